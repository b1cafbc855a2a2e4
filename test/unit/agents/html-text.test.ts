import { expect, it } from 'vitest';
import { htmlToText } from '../../../agents/tools/html-text.ts';

it.each([
  ['a comment', '<p>a<!-- <b>no</b> --> b</p>', 'a b'],
  ['a comment that ends at once', '<!--><p>a</p><!---><p>b</p>', 'a\nb'],
  ['the sign of one within a comment', '<!-- a <!-- b --><p>c</p>', 'c'],
  ['the sign of one within a script', '<p>a</p><script>"<!--"</script><p>b</p>', 'a\nb'],
  [
    'what only old browsers leave out',
    '<!--[if !IE]><!--><p>a</p><!--<![endif]--><p>b</p>',
    'a\nb',
  ],
  ['a comment that does not end', '<p>a</p><!-- <p>b</p>', 'a'],
])('reads a page with %s', (_, html, text) => {
  expect(htmlToText(html)).toBe(text);
});
