// A relay on Node with `ws`: a set of sockets for each room, and a `send` for each of them.
import { WebSocket, WebSocketServer } from 'ws';

const [host, port] = process.argv.at(-1).split(':');
const server = new WebSocketServer({ host, port: Number(port), perMessageDeflate: false, clientTracking: false });
const rooms = new Map();
server.on('connection', (socket, request) => {
  const room = rooms.get(request.url) ?? new Set();
  rooms.set(request.url, room.add(socket));
  socket.on('message', (message) => {
    for (const reader of room) if (reader.readyState === WebSocket.OPEN) reader.send(message, { binary: false });
  });
  socket.on('close', () => room.delete(socket));
  socket.on('error', () => socket.terminate());
  socket.send('joined');
});
