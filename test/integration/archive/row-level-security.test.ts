import { MikroORM } from '@mikro-orm/postgresql';
import { DeletionRestrictedError, installSoftDelete } from 'nestjs-mikro-orm-soft-delete';
import { complianceEntities } from 'nestjs-mikro-orm-soft-delete/compliance';
import { Product, SHOP, Shop } from './archive.entities.js';
import { useShop } from './use-shop.js';

const ROLE = 'archive_clerk';

/** What is hidden from the role, while the foreign key to a product reaches it. */
const HIDDEN = [
  ['that the database would remove', 'remark', `text = 'fresh'`],
  ['whose keys it would clear', 'bookmark', 'product_id = 1'],
  ['of links that it would remove', 'product_labels', 'product_id = 1'],
] as const;

describe('archived rows in front of rows that a policy hides', () => {
  let orm: MikroORM;
  // Before the database goes, and the connection to it.
  afterAll(async () => {
    await orm.close(true);
    await world.database.query(`drop owned by ${ROLE}; drop role ${ROLE}`);
  });

  const world = useShop();

  beforeAll(async () => {
    await world.database.query(`
      alter table remark drop constraint remark_product_id_foreign,
        add foreign key (product_id) references product on delete cascade;
      create role ${ROLE} login password 'secret';
      grant usage on schema public to ${ROLE};
      grant all on all tables in schema public to ${ROLE};
      grant all on all sequences in schema public to ${ROLE}`);
    const url = new URL(world.database.url);
    [url.username, url.password] = [ROLE, 'secret'];
    orm = await MikroORM.init({ clientUrl: url.href, entities: [...SHOP, ...complianceEntities()] });
    installSoftDelete(orm);
  });

  const repo = (entity: new () => object): any => orm.em.fork().getRepository(entity);
  const doors: Record<string, () => Promise<unknown>> = {
    'softDelete()': () => repo(Product).softDelete(1),
    'em.remove()': async () => {
      const em = orm.em.fork();
      await em.remove(await em.findOneOrFail(Product, 1)).flush();
    },
    'softDelete() of a soft-deletable owner': () => repo(Shop).softDelete(1),
  };

  async function withPolicy(table: string, condition: string, work: () => Promise<void>): Promise<void> {
    await world.database.query(
      `alter table ${table} enable row level security; create policy shown on ${table} using (${condition})`,
    );
    try {
      await work();
    } finally {
      await world.database.query(`drop policy shown on ${table}; alter table ${table} disable row level security`);
    }
  }

  describe.each(HIDDEN)('%s', (_what, table, hidden) => {
    it.each(Object.keys(doors))('stay where they are, all of them, by %s', async (door) => {
      await world.plant();
      const before = await world.contents();
      await withPolicy(table, `not (${hidden})`, async () => {
        const error: any = await doors[door]!().catch((thrown: unknown) => thrown);
        expect(error).toBeInstanceOf(DeletionRestrictedError);
        expect(error.restrictions).toEqual([expect.objectContaining({ count: 1 })]);
        expect(error.message).toMatch(new RegExp(`row-level security of .*${table}`));
      });
      expect([await world.contents(), await world.archived()]).toEqual([before, []]);
    });

    it.each(Object.keys(doors))('go and come back by %s where the policy shows them', async (door) => {
      await world.plant();
      const before = await world.contents();
      await withPolicy(table, 'true', async () => {
        await doors[door]!();
        expect((await world.archived()).length).toBeGreaterThan(0);
        await (door.includes('owner') ? repo(Shop) : repo(Product)).restore(1);
      });
      expect(await world.contents()).toEqual(before);
    });
  });
});
