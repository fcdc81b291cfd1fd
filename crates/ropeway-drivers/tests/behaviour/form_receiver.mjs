// Receives one form per request and tells what is in it, read by Node's own implementation of the web's FormData.
import { createHash } from "node:crypto"
import { createServer } from "node:http"

const server = createServer(async (request, response) => {
  const chunks = []
  for await (const chunk of request) chunks.push(chunk)
  const headers = { "content-type": request.headers["content-type"] }
  const form = await new Response(Buffer.concat(chunks), { headers }).formData()
  for (const [field, file] of form) {
    const bytes = Buffer.from(await file.arrayBuffer())
    const sha256 = createHash("sha256").update(bytes)
    response.setHeader("Repr-Digest", `sha-256=:${sha256.digest("base64")}:`)
    response.setHeader("Location", `/${encodeURIComponent(field)}/${encodeURIComponent(file.name)}`)
  }
  response.writeHead([...form].length === 1 ? 201 : 400).end()
})
server.listen(0, "127.0.0.1", () => process.stdout.write(`${server.address().port}\n`))
