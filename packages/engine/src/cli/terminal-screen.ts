/** The whole window, for as long as something is shown in it; what stood there before is back when it is closed. */
export interface Screen {
  /** Paints anew, as the window does by itself when its size changes. */
  repaint(): void;
  close(): void;
}

/** What is to be seen in a window of this size: the text, and a last line that stays in sight whatever is cut off above it. */
export type Paint = (columns: number) => { readonly text: string; readonly footer: string };

const ENTER = '\u001b[?1049h\u001b[?25l'; // the other buffer of the terminal, without a cursor
const LEAVE = '\u001b[?25h\u001b[?1049l';
const HOME = '\u001b[H';
const TO_LINE_END = '\u001b[K';
const TO_END = '\u001b[J';

/** Each line is written over the one that was there, in one write for the whole: what does not change does not flicker. */
export function openScreen(stream: NodeJS.WriteStream, paint: Paint): Screen {
  const repaint = (): void => {
    const [columns, rows] = sizeOf(stream);
    const { text, footer } = paint(columns);
    const lines = text.split('\n');
    const room = Math.max(1, rows - 1);
    const shown = lines.length <= room ? lines : [...lines.slice(0, room - 1), `… ${lines.length - room + 1} more lines`];
    stream.write(HOME + [...shown, footer].map((line) => line + TO_LINE_END).join('\r\n') + TO_END);
  };
  const leave = (): void => void stream.write(LEAVE);
  process.once('exit', leave); // whatever ends this process
  stream.write(ENTER);
  stream.on('resize', repaint);
  return {
    repaint,
    close() {
      stream.off('resize', repaint);
      process.off('exit', leave);
      leave();
    },
  };
}

/** Some terminals say that they have no size. */
export function sizeOf({ columns, rows }: NodeJS.WriteStream): readonly [columns: number, rows: number] {
  return [columns > 0 ? columns : 80, rows > 0 ? rows : 24];
}
