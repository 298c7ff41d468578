/**
 * A readable plain text for a mail that came as HTML only, for readers without HTML (RFC 2046 section 5.1.4). It keeps the
 * words, the breaks between blocks and where links lead; it does not try to look like the page. Each step looks at every
 * character a fixed number of times, whatever the HTML.
 */
export function plainTextOf(html: string): string {
  let text = '';
  let link: { readonly href: string; readonly from: number } | undefined;
  let at = 0;
  while (at < html.length) {
    const open = html.indexOf('<', at);
    if (open === -1) {
      text += shownText(html.slice(at));
      break;
    }
    text += shownText(html.slice(at, open));
    if (!/[A-Za-z/!?]/.test(html.charAt(open + 1))) {
      text += '<'; // as browsers do: `a < b` has no tag
      at = open + 1;
      continue;
    }
    const tag = readTag(html, open);
    at = tag.end;
    if (HIDDEN.has(tag.name) && !tag.closes) at = skipPast(html, at, tag.name);
    else if (tag.name === 'a' && !tag.closes) link = { href: hrefOf(tag.attributes), from: text.length };
    else if (tag.name === 'a' && link !== undefined) {
      if (link.href !== '' && !text.slice(link.from).includes(link.href)) text += ` (${link.href})`;
      link = undefined;
    } else if (tag.name === 'li' && !tag.closes) text += '\n- ';
    else text += BREAKS.get(tag.name) ?? '';
  }
  return text
    .split('\n')
    .map((line) => line.replace(/ {2,}/g, ' ').trim())
    .join('\n')
    .replace(/\n{3,}/g, '\n\n')
    .trim();
}

const HIDDEN = new Set(['script', 'style', 'head', 'title', 'template']);
const BREAKS = new Map([
  ['br', '\n'],
  ['td', ' '],
  ['th', ' '],
  ...['p', 'h1', 'h2', 'h3', 'h4', 'h5', 'h6', 'blockquote', 'table', 'ul', 'ol', 'pre'].map((name) => [name, '\n\n'] as const),
  ...['div', 'tr', 'section', 'article', 'header', 'footer', 'hr'].map((name) => [name, '\n'] as const),
]);

interface Tag {
  readonly name: string;
  readonly closes: boolean;
  readonly attributes: string;
  readonly end: number;
}

function readTag(html: string, open: number): Tag {
  if (html.startsWith('<!--', open)) {
    const close = html.indexOf('-->', open + 4);
    return { name: '!', closes: false, attributes: '', end: close === -1 ? html.length : close + 3 };
  }
  const close = html.indexOf('>', open);
  const end = close === -1 ? html.length : close + 1;
  const inside = html.slice(open + 1, close === -1 ? html.length : close);
  const [, slash = '', name = ''] = /^(\/?)([A-Za-z][A-Za-z0-9]*)/.exec(inside) ?? [];
  return { name: name.toLowerCase(), closes: slash !== '', attributes: inside.slice(slash.length + name.length), end };
}

function skipPast(html: string, from: number, name: string): number {
  const close = new RegExp(`</${name}`, 'gi');
  close.lastIndex = from;
  const found = close.exec(html);
  if (found === null) return html.length;
  const end = html.indexOf('>', found.index);
  return end === -1 ? html.length : end + 1;
}

function hrefOf(attributes: string): string {
  const [, double, single] = /\shref\s*=\s*(?:"([^"]*)"|'([^']*)')/i.exec(attributes) ?? [];
  const href = decodeEntities(double ?? single ?? '').trim();
  return /^(?:https?|mailto|tel):/i.test(href) ? href : '';
}

function shownText(text: string): string {
  return decodeEntities(text.replace(/[ \t\r\n\f]+/g, ' '));
}

const ENTITIES = new Map([
  ['amp', '&'],
  ['lt', '<'],
  ['gt', '>'],
  ['quot', '"'],
  ['apos', "'"],
  ['nbsp', ' '],
  ['ndash', '–'],
  ['mdash', '—'],
  ['hellip', '…'],
  ['euro', '€'],
  ['copy', '©'],
]);

function decodeEntities(text: string): string {
  return text.replace(/&(?:#(\d{1,7})|#x([0-9a-f]{1,6})|([a-z]{2,8}));/gi, (whole, decimal, hex, name) => {
    if (name !== undefined) return ENTITIES.get(String(name).toLowerCase()) ?? whole;
    const code = decimal === undefined ? Number.parseInt(String(hex), 16) : Number(decimal);
    const isShown = code >= 0x20 && code <= 0x10ffff && !(code >= 0x7f && code <= 0x9f) && !(code >= 0xd800 && code <= 0xdfff);
    return isShown ? String.fromCodePoint(code) : ' ';
  });
}
