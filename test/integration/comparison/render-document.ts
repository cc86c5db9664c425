import { CHAPTERS } from './chapters.js';
import type { Results } from './results.js';

/** The page docs/comparison.md: every case. */
export function renderDocument(results: Results): string {
  const subjects = [...results.keys()];
  const lines = [
    '# Comparison',
    '',
    'Three ways of soft deletion with MikroORM 7 on PostgreSQL, run through the same cases by',
    '`test/integration/comparison`, which writes this page.',
    '',
    "- **The documentation's recipe**: the subscriber and the filter that MikroORM's guide shows.",
    '- **`mikro-orm-soft-delete`**: its logic, the same in 0.1.0 (for MikroORM 5) and 1.0.0-alpha.1 (for MikroORM 6), written',
    '  anew for the test, since neither loads with MikroORM 7.',
    '- **This package**.',
    '',
    '“–”: offers no such operation.',
  ];
  for (const { title, cases } of CHAPTERS) {
    lines.push('', `## ${title}`, '', `| | ${subjects.map((subject) => subject.title).join(' | ')} |`);
    lines.push(`| --- | ${subjects.map(() => '---').join(' | ')} |`);
    for (const each of cases) {
      lines.push(`| ${each.title} | ${subjects.map((subject) => results.get(subject)!.get(each)).join(' | ')} |`);
    }
  }
  return `${lines.join('\n')}\n`;
}
