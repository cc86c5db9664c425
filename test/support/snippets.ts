import { readFileSync } from 'node:fs';

/** The first TypeScript that a page of the documentation shows below a heading. */
export function snippetBelow(page: string, heading: string): string {
  const text = readFileSync(new URL(`../../${page}`, import.meta.url), 'utf8');
  const [, section] = text.split(`\n${heading}\n`);
  const found = section && /^```ts\n([\s\S]*?)^```/m.exec(section.split(/^## /m)[0]!)?.[1];
  if (!found) {
    throw new Error(`${page} shows no TypeScript below "${heading}".`);
  }
  return found;
}
