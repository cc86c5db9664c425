import { CHAPTERS } from './chapters.js';
import type { Results } from './results.js';

/** The section of the README: how many cases hold, and the ones that cost data. */
export function renderSummary(results: Results): string {
  const subjects = [...results.keys()];
  const row = (head: string, cells: readonly unknown[]) => `| ${head} | ${cells.join(' | ')} |`;
  const head = (title: string) => [
    row(
      title,
      subjects.map((subject) => subject.title),
    ),
    `|---|${'---|'.repeat(subjects.length)}`,
  ];
  const lines = [
    '## Comparison',
    '',
    "`npm test` runs MikroORM's documented recipe, the logic of `mikro-orm-soft-delete` (2.0.1 on GitHub supports MikroORM 7; npm has 1.0.0-alpha.1 at most) and this package through the same cases, and writes these tables. Cases passed:",
    '',
    ...head(''),
  ];
  for (const { title, cases } of CHAPTERS) {
    const holding = subjects.map((subject) => cases.filter((each) => results.get(subject)!.get(each) === 'yes').length);
    lines.push(
      row(
        title,
        holding.map((count) => `${count} of ${cases.length}`),
      ),
    );
  }
  lines.push('', 'Cases whose failure loses rows or shows deleted ones:', '', ...head(''));
  for (const each of CHAPTERS.flatMap(({ cases }) => cases).filter(({ isTelling }) => isTelling)) {
    lines.push(
      row(
        each.title,
        subjects.map((subject) => results.get(subject)!.get(each)),
      ),
    );
  }
  lines.push('', 'All cases: [docs/comparison.md](docs/comparison.md).', '');
  return lines.join('\n');
}
