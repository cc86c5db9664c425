import { type ChildProcess, spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createPurge } from 'nestjs-mikro-orm-soft-delete';
import { ageArchive } from '../../support/change-archive.js';
import { type CompiledLibrary, compileLibrary } from '../../support/compiled-library.js';
import { Product } from './archive.entities.js';
import { useShop } from './use-shop.js';

/** Archives and restores the same products again and again, in turn with others of its kind. */
const WORKER = (url: string) => `
import { Collection, defineEntity, MikroORM, p } from '@mikro-orm/postgresql';
import { softDeletable } from './lib/schema/soft-deletable.decorator.js';
import { complianceEntities } from './lib/compliance/index.js';
import { installSoftDelete } from './lib/install-soft-delete.js';
const Variant = softDeletable(defineEntity({ name: 'Variant', properties: {
  id: p.integer().primary(), size: p.string(), product: () => p.manyToOne(Product) } }), { strategy: 'archive' });
const Product = softDeletable(defineEntity({ name: 'Product', properties: {
  id: p.integer().primary(), name: p.string(), variants: () => p.oneToMany(Variant).mappedBy('product').orphanRemoval() } }), { strategy: 'archive' });
const orm = await MikroORM.init({ clientUrl: '${url}', entities: [Product, Variant, ...complianceEntities()] });
installSoftDelete(orm);
process.stdout.write('ready');
for (let i = Number(process.argv[2]); ; i++) {
  const repository = orm.em.fork().getRepository(Product);
  await repository.softDelete({ id: { $gte: 1000, $lt: 1000 + 20 + i % 80 } }).catch(() => undefined);
  await repository.restore({ id: { $gte: 1000 + i % 7 } }).catch(() => undefined);
}
`;

describe('Archived rows of processes that are killed', () => {
  const world = useShop();
  let library: CompiledLibrary;

  beforeAll(() => {
    library = compileLibrary();
    writeFileSync(join(library.folder, 'worker.js'), WORKER(world.database.url));
  });
  afterAll(() => library.remove());
  beforeEach(() => world.plant());

  const start = async (n: number): Promise<ChildProcess> => {
    const child = spawn(process.execPath, [join(library.folder, 'worker.js'), String(n)], {
      env: { ...process.env, NODE_OPTIONS: '' },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await new Promise((resolve) => child.stdout!.once('data', resolve));
    return child;
  };
  /** How often each row of the family is anywhere, in its table or the archive. */
  const everywhere = () =>
    world.database.query(`
      select part, count(distinct key)::int as rows, count(*)::int as times from (
        select 'Product' as part, id::text as key from product where id >= 1000
        union all select 'Variant', id::text from variant where id >= 1000
        union all select part, key from deletion_archive where key::int >= 1000
      ) as r group by 1 order by 1`);

  it('are where they were or where they were to go, once and with all that belongs to them', async () => {
    await world.database.query(`
      insert into product (id, name, shop_id) select n, 'p' || n, 1 from generate_series(1000, 1099) as n;
      insert into variant (id, size, product_id) select n * 10 + k, 's', n from generate_series(1000, 1099) as n, generate_series(0, 4) as k`);
    const whole = [
      { part: 'Product', rows: 100, times: 100 },
      { part: 'Variant', rows: 500, times: 500 },
    ];
    expect(await everywhere()).toEqual(whole);
    for (let round = 0; round < 6; round++) {
      const children = await Promise.all([start(round), start(round + 3)]);
      await new Promise((resolve) => setTimeout(resolve, 150 + round * 60));
      const ends = children.map((child) => new Promise((resolve) => child.once('exit', resolve)));
      children.forEach((child) => child.kill('SIGKILL'));
      await Promise.all(ends);
      while (await isBusy()) {
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
      expect(await everywhere()).toEqual(whole);
      const orphans = await world.database.query(`
        select a.key from deletion_archive as a where a.part = 'Variant'
        and not exists (select from deletion_archive as o where o.part = 'Product' and o.unit = a.unit and 'Product:' || o.key = any(a.owners))`);
      expect(orphans).toEqual([]);
    }
    const { total } = await world.repo(Product).restore({ id: { $gte: 1000 } });
    expect(await world.database.query('select count(*)::int as n from variant where id >= 10000')).toEqual([
      { n: 500 },
    ]);
    expect(total % 6).toBe(0);
    expect(await world.archived()).toEqual([]);
  });

  /** Whether a server process still works for one that is gone. */
  async function isBusy(): Promise<boolean> {
    const rows = await world.database.query(
      `select 1 from pg_stat_activity where datname = current_database() and backend_type = 'client backend' and state in ('active', 'idle in transaction') and pid <> pg_backend_pid()`,
    );
    return rows.length > 0;
  }

  it('come back once where restorations and the purge race, or are gone with their record', async () => {
    const purge = createPurge(world.orm, { retention: '1d', pauseBetweenBatches: 0, brake: false } as never);
    for (let round = 0; round < 8; round++) {
      await world.database.query(
        `insert into product (id, name, shop_id) select n, 'p', 1 from generate_series(2000, 2019) as n`,
      );
      for (let id = 2000; id < 2020; id++) {
        await world.repo(Product, world.fork()).softDelete(id);
      }
      await ageArchive(world.database, 40);
      const ids = Array.from({ length: 20 }, (_, i) => 2000 + i);
      const restore = async (keys: number[]) => {
        let total = 0;
        for (const key of keys) {
          total += (await world.repo(Product, world.fork()).restore(key)).total;
        }
        return total;
      };
      const [{ total: purged }, ...restored] = await Promise.all([
        purge.run({ entities: [Product], batchSize: 3 }),
        restore(ids),
        restore(ids.toReversed()),
      ]);
      const there = await world.database.query('select count(*)::int as n from product where id between 2000 and 2019');
      const back = restored.reduce((sum, total) => sum + total, 0);
      expect(there).toEqual([{ n: back }]);
      expect(purged + back).toBe(20);
      expect((await world.archived()).filter((row) => row.startsWith('Product 20'))).toEqual([]);
      await world.database.query('delete from product where id between 2000 and 2019');
    }
  });
});
