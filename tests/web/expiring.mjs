// A server whose links expire: what a signed address of a file host does after an hour, at once.
import { createServer } from "node:http";

/** Bytes of a piece between two looks at whether the link still holds. */
const PIECE = 64 * 1024;

/**
 * Serves `files` (bytes by path) to whoever has `?sig=` of a valid signature; everyone else gets a 403 page. A signature
 * of `allowances` holds for so many bytes, also midway in a request. `served` counts the bytes sent for each signature.
 */
export async function expiring(files, allowances) {
  const served = Object.fromEntries(Object.keys(allowances).map((signature) => [signature, 0]));
  const isValid = (signature) => served[signature] < allowances[signature];
  const server = createServer(async (request, response) => {
    const url = new URL(request.url, "http://localhost");
    const signature = url.searchParams.get("sig") ?? "";
    const bytes = files[url.pathname];
    if (!isValid(signature)) return response.writeHead(403, { "Content-Type": "text/html" }).end("<p>Link expired</p>");
    if (bytes === undefined) return response.writeHead(404).end();
    const [, from, to] = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? "") ?? [];
    const start = Number(from ?? 0);
    const end = to ? Number(to) + 1 : bytes.length;
    const headers = { "Accept-Ranges": "bytes", ETag: '"one"', "Content-Length": end - start };
    if (from === undefined) response.writeHead(200, headers);
    else response.writeHead(206, { ...headers, "Content-Range": `bytes ${start}-${end - 1}/${bytes.length}` });
    for (let at = start; at < end; at += PIECE) {
      if (!isValid(signature)) return response.destroy();
      const piece = bytes.subarray(at, Math.min(end, at + PIECE));
      response.write(piece);
      served[signature] += piece.length;
      await new Promise((next) => setTimeout(next, 4));
    }
    response.end();
  });
  await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
  const base = `http://127.0.0.1:${server.address().port}`;
  return {
    link: (path, signature) => `${base}${path}?sig=${signature}`,
    served,
    stop: () => server.closeAllConnections() ?? server.close(),
  };
}
