import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { createTestDatabase } from '../../support/database.js';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const PAGES = ['adopting', 'migrating', 'recipes', 'faq'];
/** A peer of applications that is not among our dependencies. */
const CONFIG = `declare module '@nestjs/config' {
  export class ConfigModule {
    static forRoot(): Promise<import('@nestjs/common').DynamicModule>;
  }
  export class ConfigService {
    get<Value>(name: string): Value | undefined;
    getOrThrow<Value>(name: string): Value;
  }
}`;
const TABLES: Readonly<Record<string, string>> = {
  adopting: `
    create table "user" (id int primary key, email text not null, deleted_at timestamptz, removed_on timestamp);
    insert into "user" (id, email, removed_on) values (1, 'a', '2020-01-01'), (2, 'a', null), (3, 'b', null)`,
  migrating: `
    create table "user" (id int primary key, is_deleted boolean not null);
    create table document (id int primary key, deleted_at date);
    insert into document values (1, '2026-01-01'), (2, '2026-01-01'), (3, null);
    create table post (id int primary key, user_id int references "user", is_deleted boolean not null);
    insert into "user" values (1, true), (2, true), (3, false);
    insert into post values (1, 1, true), (2, 1, false), (3, 3, true), (4, 3, true), (5, 3, false)`,
};

const pageOf = (page: string) => readFileSync(join(root, 'docs', `${page}.md`), 'utf8');
const blocks = (page: string, language: string) =>
  [...pageOf(page).matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\``, 'gm'))].map(([, text]) => text!);

describe('The documentation', () => {
  it('shows TypeScript that compiles as it stands', () => {
    const folder = mkdtempSync(join(root, 'test/integration/docs/.snippets-'));
    try {
      const files = PAGES.flatMap((page) =>
        blocks(page, 'ts').map((text, i) => {
          const file = join(folder, `${page}-${i + 1}.ts`);
          writeFileSync(file, text);
          return file;
        }),
      );
      writeFileSync(join(folder, 'config.d.ts'), CONFIG);
      const { config } = ts.readConfigFile(join(root, 'tsconfig.json'), ts.sys.readFile);
      const { options } = ts.parseJsonConfigFileContent(config, ts.sys, root);
      const program = ts.createProgram([...files, join(folder, 'config.d.ts')], { ...options, noEmit: true });
      const faults = files.flatMap((file) => {
        const source = program.getSourceFile(file)!;
        return [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)].map(
          ({ messageText }) =>
            `${file.slice(folder.length + 1)}: ${ts.flattenDiagnosticMessageText(messageText, '\n')}`,
        );
      });
      expect(files.length).toBeGreaterThan(8);
      expect(faults).toEqual([]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  }, 240_000);

  it.each(['adopting', 'migrating'])('shows SQL that runs in the order in which it stands: %s', async (page) => {
    const database = await createTestDatabase();
    try {
      await database.query(TABLES[page]!);
      for (const sql of blocks(page, 'sql')) {
        await database.query(sql);
      }
      if (page === 'adopting') {
        await expect(
          database.query('select id, deleted_at is not null as deleted from "user" order by id'),
        ).resolves.toEqual([
          { id: 1, deleted: false },
          { id: 2, deleted: true },
          { id: 3, deleted: false },
        ]);
      } else {
        await expect(
          database.query(`select count(distinct deleted_at)::int as units, count(deleted_at)::int as deleted from (
            select deleted_at from "user" union all select deleted_at from post) as r`),
        ).resolves.toEqual([{ units: 4, deleted: 5 }]);
        await expect(
          database.query(
            'select p.id from post as p join "user" as u on u.id = p.user_id and u.deleted_at = p.deleted_at',
          ),
        ).resolves.toEqual([{ id: 1 }]);
        await expect(
          database.query(
            'select count(distinct deleted_at)::int as units, count(deleted_at)::int as deleted from document',
          ),
        ).resolves.toEqual([{ units: 2, deleted: 2 }]);
      }
    } finally {
      await database.drop();
    }
  });
});
