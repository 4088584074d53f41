// A relay on Bun: `publish` hands a message to µWebSockets, which writes to every subscriber.
const [hostname, port] = process.argv.at(-1).split(':');
const server = Bun.serve({
  hostname,
  port: Number(port),
  fetch(request, server) {
    const room = new URL(request.url).pathname;
    return server.upgrade(request, { data: { room } }) ? undefined : new Response('WebSocket only', { status: 426 });
  },
  websocket: {
    open(socket) {
      socket.subscribe(socket.data.room);
      socket.send('joined');
    },
    message(socket, message) {
      server.publish(socket.data.room, message);
    },
  },
});
