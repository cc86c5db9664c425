import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { defineEntity, p } from '@mikro-orm/postgresql';
import { type PurgeReport, softDeletable } from 'nestjs-mikro-orm-soft-delete';
import { environmentOf } from './command.js';
import type { CompiledLibrary } from './compiled-library.js';

const deletedAt = () => p.datetime().columnType('timestamptz').nullable();
export const Owner = softDeletable(
  defineEntity({
    name: 'Owner',
    tableName: 'owner',
    properties: { id: p.integer().primary(), deletedAt: deletedAt() },
  }),
  { retention: '30d' },
);
export const Thing = softDeletable(
  defineEntity({
    name: 'Thing',
    tableName: 'thing',
    properties: {
      id: p.integer().primary(),
      owner: () => p.manyToOne(Owner).deleteRule('restrict').index(),
      deletedAt: deletedAt(),
    },
  }),
  { retention: '30d' },
);

/** The same two in a process of its own. Says that it is ready, waits for a line, purges with a line per batch, and prints its report. */
const WORKER = `
import { defineEntity, MikroORM, p } from '@mikro-orm/postgresql';
import { complianceEntities } from './lib/compliance/compliance-entities.js';
import { createPurge } from './lib/purge/create-purge.js';
import { softDeletable } from './lib/schema/soft-deletable.decorator.js';
import { softDelete } from './lib/soft-delete.extension.js';
const [, , clientUrl, batchSize, keepsRecords] = process.argv;
const deletedAt = () => p.datetime().columnType('timestamptz').nullable();
const Owner = softDeletable(defineEntity({ name: 'Owner', tableName: 'owner', properties: { id: p.integer().primary(), deletedAt: deletedAt() } }), { retention: '30d' });
const Thing = softDeletable(defineEntity({ name: 'Thing', tableName: 'thing', properties: { id: p.integer().primary(), owner: () => p.manyToOne(Owner).deleteRule('restrict').index(), deletedAt: deletedAt() } }), { retention: '30d' });
const orm = await MikroORM.init({
  clientUrl,
  entities: [Owner, Thing, ...(keepsRecords === 'true' ? complianceEntities() : [])],
  extensions: keepsRecords === 'true' ? [softDelete()] : [],
});
await orm.em.getConnection().execute('select 1');
console.log('ready');
process.stdin.once('data', async () => {
  const report = await createPurge(orm, { brake: false, pauseBetweenBatches: 0, batchSize: Number(batchSize) || undefined })
    .run({ onProgress: () => console.log('batch') });
  console.log(JSON.stringify(report));
  await orm.close();
  process.exit();
});
`;

/** A process that purges `Owner` and `Thing`. */
export interface PurgingProcess {
  readonly child: ChildProcess;
  go(): void;
  /** Waits for some batches, or for the end. */
  batches(count: number): Promise<void>;
  report(): Promise<PurgeReport>;
}

/**
 * Starts one, which waits until it is told to go.
 *
 * @param keepsRecords - whether it writes records of what it purges
 */
export async function startPurging(
  library: CompiledLibrary,
  url: string,
  { batchSize = 0, keepsRecords = false } = {},
): Promise<PurgingProcess> {
  const file = join(library.folder, 'worker.js');
  if (!existsSync(file)) {
    writeFileSync(file, WORKER);
  }
  const child = spawn(process.execPath, [file, url, String(batchSize), String(keepsRecords)], {
    cwd: library.folder,
    env: environmentOf(library),
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  expect((await lines.next()).value).toBe('ready');
  return {
    child,
    go: () => void child.stdin.write('go\n'),
    batches: async (count) => {
      for (let i = 0; i < count && (await lines.next()).value === 'batch'; i++);
    },
    report: async () => {
      for await (const line of { [Symbol.asyncIterator]: () => lines }) {
        if (line !== 'batch') {
          return JSON.parse(line) as PurgeReport;
        }
      }
      throw new Error('The process has ended without a report.');
    },
  };
}
