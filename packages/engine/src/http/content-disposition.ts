/** RFC 6266: a name for every client, and beyond ASCII the whole one for those that know RFC 8187. */
export function contentDisposition(fileName: string): string {
  const plain = fileName.replace(/[^ -~]/gu, '_').replace(/["\\%]/g, '_');
  if (plain === fileName) return `attachment; filename="${plain}"`;
  const whole = encodeURIComponent(fileName).replace(/[*'()]/g, (mark) => `%${mark.charCodeAt(0).toString(16).toUpperCase()}`);
  return `attachment; filename="${plain}"; filename*=UTF-8''${whole}`;
}
