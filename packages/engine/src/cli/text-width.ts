/** One of these is a character to a person, and takes its columns as a whole: an emoji may be seven code points. */
const graphemes = new Intl.Segmenter(undefined, { granularity: 'grapheme' });

/** East Asian Wide and Fullwidth (Unicode TR 11), and what terminals draw as a picture. */
const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97c\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6\u{20000}-\u{3fffd}]|\p{Emoji_Presentation}|\ufe0f/u;
/** A mark that belongs to a letter before it, where there is none; and what joins two others. */
const NO_WIDTH = /^[\p{Mn}\p{Me}\p{Cf}]+$/u;
const PLAIN = /^[\u0020-\u007e]*$/;

/** How many columns of a terminal a text takes. */
export function widthOf(text: string): number {
  if (PLAIN.test(text)) return text.length;
  let width = 0;
  for (const { segment } of graphemes.segment(text)) width += columnsOf(segment);
  return width;
}

function columnsOf(grapheme: string): number {
  if (NO_WIDTH.test(grapheme)) return 0;
  return WIDE.test(grapheme) ? 2 : 1;
}

/** The text, or as much of it as there is room for, with a mark that there was more. */
export function cut(text: string, columns: number): string {
  if (widthOf(text) <= columns) return text;
  let [kept, width] = ['', 0];
  for (const { segment } of graphemes.segment(text)) {
    width += columnsOf(segment);
    if (width > columns - 1) break;
    kept += segment;
  }
  return `${kept.trimEnd()}…`;
}

/** Lines of at most so many columns, broken between words; a word that is longer than a line is left whole, to be copied. */
export function broken(text: string, columns: number): readonly string[] {
  const lines: string[] = [];
  let line = '';
  for (const piece of text.trimEnd().split(/(?<=\S)(?= +\S)/)) {
    if (line === '' || widthOf(line) + widthOf(piece) <= columns) line += piece;
    else {
      lines.push(line);
      line = piece.trimStart();
    }
  }
  return [...lines, line];
}

/** Where the text of such a line begins: after its indent, after `error: `, after the first column of a table. */
const LEAD = /^ *(?:[^\s:]+: |\S+ {2,})?/;
/** A lead that takes more than this share of the room would leave none for the text. */
const LEAD_SHARE_MAX = 0.4;

/** Sentences, a line each, broken between words so that the rest of one stands below its text and not below its name. */
export function prose(text: string, columns: number): string {
  const lines = text.split('\n').map((line) => {
    const { length } = LEAD.exec(line)?.[0] ?? '';
    const indent = length > columns * LEAD_SHARE_MAX ? 2 : length;
    const [first = '', ...rest] = broken(line, columns);
    if (rest.length === 0) return first;
    const more = broken(line.slice(first.length).trimStart(), columns - indent);
    return [first, ...more.map((each) => ' '.repeat(indent) + each)].join('\n');
  });
  return lines.join('\n');
}
