import { readFile, writeFile } from 'node:fs/promises';
import { installSoftDelete } from 'nestjs-mikro-orm-soft-delete';
import { createTestOrm, type TestOrm } from '../../support/orm.js';
import type { Bench, Case } from './cases.js';
import { CHAPTERS } from './chapters.js';
import { SEED, UNIQUE_INDEXES } from './library.js';
import { renderDocument } from './render-document.js';
import { renderSummary } from './render-summary.js';
import type { Result } from './results.js';
import { createSubjects, type Subject } from './subjects.js';

/* The documents are written by this test: WRITE_COMPARISON=1 npm test -- test/integration/comparison */
const DOCUMENT = new URL('../../../docs/comparison.md', import.meta.url);
const README = new URL('../../../README.md', import.meta.url);

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

  const cases = CHAPTERS.flatMap((chapter) => chapter.cases);
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
    expect(own.size).toBe(CHAPTERS.flatMap(({ cases }) => cases).length);
  });

  it('is compared in docs/comparison.md as it was tried here', async () => {
    const generated = renderDocument(results);
    if (process.env['WRITE_COMPARISON']) {
      await writeFile(DOCUMENT, generated);
    }
    expect(await readFile(DOCUMENT, 'utf8')).toBe(generated);
  });

  it('is compared in the README in the same words', async () => {
    const generated = renderSummary(results);
    const section = /^## Comparison\n.*?(?=^## )/ms;
    if (process.env['WRITE_COMPARISON']) {
      await writeFile(
        README,
        (await readFile(README, 'utf8')).replace(section, () => `${generated}\n`),
      );
    }
    expect(section.exec(await readFile(README, 'utf8'))?.[0]).toBe(`${generated}\n`);
  });
});
