// @ts-check
import { Socket } from 'node:net';

// Preloaded: a mail whose handling kills a worker, and hangs the child process that tries it apart: the event loop stands
// still as it names the recipient to the mail server, so no heartbeat goes out and no signal but SIGKILL is heard.
const DEADLY = 'RCPT TO:<poison@';

Socket.prototype.write = new Proxy(Socket.prototype.write, {
  apply(write, socket, parts) {
    if (Buffer.from(parts[0]).toString('latin1').includes(DEADLY)) {
      if (process.send === undefined) process.kill(process.pid, 'SIGKILL');
      for (;;);
    }
    return Reflect.apply(write, socket, parts);
  },
});
