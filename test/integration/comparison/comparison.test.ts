import { readFile, writeFile } from 'node:fs/promises';
import { installSoftDelete } from 'nestjs-mikro-orm-soft-delete';
import { createTestOrm, type TestOrm } from '../../support/orm.js';
import { type Bench, type Case, DELETING, READING, REMEMBERING, RESTORING } from './cases.js';
import { SEED, UNIQUE_INDEXES } from './library.js';
import { createSubjects, type Subject } from './subjects.js';

/* docs/comparison.md is written by this test: WRITE_COMPARISON=1 npm test -- test/integration/comparison */
const DOCUMENT = new URL('../../../docs/comparison.md', import.meta.url);

const CHAPTERS: readonly (readonly [string, readonly Case[]])[] = [
  ['Deleting', DELETING],
  ['Reading', READING],
  ['Memory', REMEMBERING],
  ['Restoring', RESTORING],
];

type Result = 'yes' | 'no' | '–';

const subjects = createSubjects();
const results = new Map<Subject, Map<Case, Result>>();

describe.each(subjects.map((subject) => [subject.title, subject] as const))('%s', (_title, subject) => {
  let test: TestOrm;
  const found = new Map<Case, Result>();
  results.set(subject, found);

  beforeAll(async () => {
    const { library, subscribers } = subject;
    test = await createTestOrm(Object.values(library), { subscribers }, false);
    await test.database.query(UNIQUE_INDEXES);
    subject.install(test.orm);
  });

  afterAll(() => test.close());

  const cases = CHAPTERS.flatMap(([, list]) => list);
  it.each(cases.map((each) => [each.title, each] as const))('is tried: %s', async (_name, each) => {
    if (each.needsRepository && !subject.hasRepository) {
      found.set(each, '–');
      return;
    }
    await test.database.query(SEED);
    const fork = () => test.orm.em.fork();
    const em = fork();
    const bench: Bench = {
      ...subject.library,
      em,
      fork,
      rows: (sql) => test.database.query(sql),
      everything: { filters: { [subject.filter]: false } },
      statements: test.statements,
      repository: (entity) => em.getRepository<any>(entity) as never,
    };
    // A way of soft deletion may fail a case with an error as well as with a wrong row.
    const holds = await each.run(bench).catch((error: unknown) => {
      if (subject.hasRepository) {
        throw error;
      }
      return false;
    });
    found.set(each, holds ? 'yes' : 'no');
    expect(typeof holds).toBe('boolean');
  });
});

describe(installSoftDelete.name, () => {
  it('holds in every case', () => {
    const own = results.get(subjects.at(-1)!)!;
    expect([...own].filter(([, result]) => result !== 'yes').map(([{ title }]) => title)).toEqual([]);
    expect(own.size).toBe(CHAPTERS.flatMap(([, list]) => list).length);
  });

  it('is compared in docs/comparison.md as it was tried here', async () => {
    const generated = render();
    if (process.env['WRITE_COMPARISON']) {
      await writeFile(DOCUMENT, generated);
    }
    expect(await readFile(DOCUMENT, 'utf8')).toBe(generated);
  });
});

function render(): string {
  const lines = [
    '# Comparison',
    '',
    'Three ways of soft deletion with MikroORM 7 on PostgreSQL, run through the same cases by',
    '`test/integration/comparison`, which writes this page.',
    '',
    "- **The documentation's recipe**: the subscriber and the filter that MikroORM's guide shows.",
    '- **`mikro-orm-soft-delete` 0.1.0**: its logic, written anew for the test, since the package itself is for MikroORM 5.',
    '- **This package**.',
    '',
    '“–”: offers no such operation.',
  ];
  for (const [chapter, cases] of CHAPTERS) {
    lines.push('', `## ${chapter}`, '', `| | ${subjects.map(({ title }) => title).join(' | ')} |`);
    lines.push(`| --- | ${subjects.map(() => '---').join(' | ')} |`);
    for (const each of cases) {
      lines.push(`| ${each.title} | ${subjects.map((subject) => results.get(subject)!.get(each)).join(' | ')} |`);
    }
  }
  return `${lines.join('\n')}\n`;
}
