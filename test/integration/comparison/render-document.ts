import { CHAPTERS } from './chapters.js';
import type { Results } from './results.js';

/** The page docs/comparison.md: every case. */
export function renderDocument(results: Results): string {
  const subjects = [...results.keys()];
  const lines = [
    '# Comparison',
    '',
    'Three ways to soft-delete with MikroORM 7 on PostgreSQL. `test/integration/comparison` runs them through the same cases and',
    'writes this page.',
    '',
    "- **The documentation's recipe**: the subscriber and the filter that MikroORM's guide shows.",
    '- **`mikro-orm-soft-delete`**: its logic, rewritten for the test, since the versions on npm (0.1.0 for MikroORM 5, 1.0.0-alpha.1',
    '  for MikroORM 6) do not load with MikroORM 7. Version 2.0.1 on GitHub supports MikroORM 7, and gave the same results.',
    '- **This package**.',
    '',
    '“–” means that there is no such operation.',
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
