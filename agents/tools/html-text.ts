/** Elements whose content is not for reading. */
const HIDDEN = /^(script|style|noscript|template)[\s>/]/i;
/** Tags at which a line ends. */
const BREAKING =
  /^\/?(p|div|br|hr|li|ul|ol|tr|table|h[1-6]|section|article|header|footer|nav|main|pre|blockquote|form|title|dd|dt)[\s>/]/i;
const NAMED: Readonly<Record<string, string>> = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
  nbsp: ' ',
};

/**
 * The readable text of an HTML page: tags, scripts and styles left out, a line per block. For a model to read, not for a
 * browser to show: the result is not safe to use as HTML. Takes time in proportion to the page, whatever it holds.
 */
export function htmlToText(html: string): string {
  let text = '';
  let hidden: string | undefined;
  let inComment = false;
  for (const piece of `>${html}`.split('<')) {
    if (hidden && !ends(hidden, piece)) continue;
    inComment ||= piece.startsWith('!--');
    if (inComment) {
      const end = piece.indexOf('-->');
      if (end < 0) continue;
      inComment = false;
      text += piece.slice(end + '-->'.length);
      continue;
    }
    hidden = HIDDEN.exec(piece)?.[1]?.toLowerCase();
    if (hidden) continue;
    const tagEnd = piece.indexOf('>');
    if (BREAKING.test(piece)) text += '\n';
    if (tagEnd >= 0) text += piece.slice(tagEnd + 1);
  }
  return tidy(decodeEntities(text));
}

function ends(element: string, piece: string): boolean {
  return piece.slice(0, element.length + 1).toLowerCase() === `/${element}`;
}

function decodeEntities(text: string): string {
  return text.replace(/&(#\d{1,7}|#x[\da-f]{1,6}|[a-z]{2,5});/gi, (entity, name: string) => {
    if (!name.startsWith('#')) return NAMED[name.toLowerCase()] ?? entity;
    const code = Number(name.replace('#x', '0x').replace('#X', '0x').replace('#', ''));
    return code <= 0x10ffff ? String.fromCodePoint(code) : entity;
  });
}

function tidy(text: string): string {
  return text
    .split('\n')
    .map((line) => line.replace(/\s+/g, ' ').trim())
    .filter((line) => line !== '')
    .join('\n');
}
