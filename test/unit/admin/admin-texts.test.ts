import { globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { ENGLISH } from '../../../lib/admin/admin-texts.js';

const texts = Object.entries(ENGLISH);
const page = fileURLToPath(new URL('../../../lib/admin', import.meta.url));
const sources = globSync('{page/*,render-page}.ts', { cwd: page }).map((file) =>
  readFileSync(`${page}/${file}`, 'utf8'),
);

describe('The texts of the admin page', () => {
  it.each(texts)('has one for %s', (_name, text) => {
    expect(text.trim()).not.toBe('');
    expect(text).toBe(text.trim());
  });

  it.each(texts)('uses the one for %s', (name) => {
    expect(
      sources.some((source) => new RegExp(`'${name}'|\\b${name}\\b.*= (texts|\\{ \\.\\.\\.ENGLISH)`).test(source)),
    ).toBe(true);
  });

  it.each(texts.filter(([, text]) => text.includes(' | ')))(
    'has a form of %s for one and another for more, with the same values',
    (_name, text) => {
      const [one, more, ...rest] = text.split(' | ');
      expect([one === more, rest]).toEqual([false, []]);
      const values = (form: string | undefined) => form?.match(/\{\w+\}/g)?.toSorted();
      expect(values(one)).toEqual(values(more));
      expect(text).toMatch(/\{(count|rows)\}/);
    },
  );

  it('says on buttons what they do', () => {
    expect(ENGLISH).toMatchObject({
      language: 'en',
      signIn: 'Sign in',
      signOut: 'Sign out',
      restore: 'Restore',
      remove: 'Remove for good',
      undo: 'Undo',
      retry: 'Try again',
      runPurge: 'Purge now',
    });
  });
});
