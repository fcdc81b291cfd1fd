// The tus project's own server: keeps uploads in the folder given first, listens on the port given second (0 is any) and
// tells which.
import { FileStore } from "@tus/file-store"
import { Server } from "@tus/server"

const [directory, port] = process.argv.slice(2)
const server = new Server({ path: "/files", datastore: new FileStore({ directory }), relativeLocation: true })
const listening = server.listen({ host: "127.0.0.1", port: Number(port) }, () =>
  process.stdout.write(`ready ${listening.address().port}\n`),
)
