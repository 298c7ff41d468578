// @ts-check
import { createServer } from 'node:net';

/**
 * A receiver that keeps nothing and costs little: PIPELINING, a reply to the final dot after LATENCY_MS.
 *
 *   node bench/speed/sink-process.mjs PORT [LATENCY_MS=0]
 */
const [port, latencyMs = '0'] = process.argv.slice(2);
const pauseMs = Number(latencyMs);
const HELLO = '250-sink\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250 SIZE 50000000\r\n';
const END = Buffer.from('\r\n.\r\n');
const NOTHING = Buffer.alloc(0);

const server = createServer({ noDelay: true }, (socket) => {
  let unread = NOTHING;
  let isData = false;
  let isWaiting = false;
  let out = '';
  const flush = () => {
    if (out !== '') socket.write(out);
    out = '';
  };

  function readOn() {
    while (!isWaiting && unread.length > 0) {
      if (isData) {
        const at = unread.indexOf(END);
        if (at < 0) break;
        unread = unread.subarray(at + END.length);
        isData = false;
        answerDot();
        continue;
      }
      const end = unread.indexOf(10);
      if (end < 0) break;
      const verb = unread.toString('latin1', 0, 4).toUpperCase();
      // The line end before the content is kept: a message that is a dot alone has one too.
      unread = unread.subarray(verb === 'DATA' ? end - 1 : end + 1);
      if (verb === 'EHLO') out += HELLO;
      else if (verb === 'DATA') {
        isData = true;
        out += '354 go on\r\n';
      } else if (verb === 'QUIT') {
        out += '221 2.0.0 bye\r\n';
        flush();
        socket.end();
        return;
      } else out += '250 2.0.0 ok\r\n';
    }
    if (!isWaiting) flush();
  }

  function answerDot() {
    const answer = () => {
      out += '250 2.0.0 ok\r\n';
    };
    if (pauseMs === 0) return answer();
    flush();
    isWaiting = true;
    setTimeout(() => {
      isWaiting = false;
      answer();
      readOn();
    }, pauseMs);
  }

  socket.write('220 sink ESMTP\r\n');
  socket.on('error', () => {});
  socket.on('data', (chunk) => {
    unread = unread.length === 0 ? chunk : Buffer.concat([unread, chunk]);
    readOn();
  });
});
server.listen({ host: '127.0.0.1', port: Number(port), backlog: 2_048 });
process.once('SIGTERM', () => process.exit(0));
