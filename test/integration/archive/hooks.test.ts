import { registerHook } from 'nestjs-mikro-orm-soft-delete';
import { countRows } from 'nestjs-mikro-orm-soft-delete/testing';
import { Bookmark, Product, Shop, Variant } from './archive.entities.js';
import { useShop } from './use-shop.js';

describe('hooks of archived rows', () => {
  const world = useShop();
  const seen: string[] = [];
  let veto: string | undefined;
  const note = (what: string) => (rows: object[]) => {
    seen.push(...(rows as { id: number }[]).map(({ id }) => `${what} ${id}`).toSorted());
    if (what === veto) {
      throw new Error(`No ${what}.`);
    }
  };

  beforeAll(() => {
    registerHook(world.orm, 'delete', Product, note('product'), { fields: ['name'] });
    registerHook(world.orm, 'restore', Product, note('product back'));
    registerHook(world.orm, 'delete', Variant, note('variant'));
    registerHook(world.orm, 'restore', Variant, note('variant back'));
    registerHook(world.orm, 'delete', Shop, note('shop'));
  });
  beforeEach(async () => {
    await world.plant();
    seen.length = 0;
    veto = undefined;
  });

  const ids = async (sql: string) => (await world.database.query<{ id: number }>(sql)).map(({ id }) => id);
  const products = () => ids('select id from product order by id');

  it.each([
    ['softDelete()', () => world.repo(Product).softDelete(1)],
    ['nativeDelete()', () => world.repo(Product).nativeDelete({ id: 1 })],
    [
      'em.remove()',
      async () => {
        world.em.remove(await world.em.findOneOrFail(Product, 1));
        await world.em.flush();
      },
    ],
  ])('are called by %s with the rows as they were, and with those that go along', async (_, remove) => {
    await remove();
    expect(seen.toSorted()).toEqual(['product 1', 'variant 1', 'variant 2']);
    expect(await products()).not.toContain(1);
    seen.length = 0;
    await world.repo(Product, world.fork()).restore(1);
    expect(seen.toSorted()).toEqual(['product back 1', 'variant back 1', 'variant back 2']);
  });

  it('are called where a soft-deleted row takes archived ones along', async () => {
    const [shop] = await ids('select shop_id as id from product where id = 1');
    const all = await products();
    await world.repo(Shop).softDelete(shop!);
    expect(seen.toSorted()).toEqual(
      [...all.map((id) => `product ${id}`), `shop ${shop}`, 'variant 1', 'variant 2', 'variant 3'].toSorted(),
    );
  });

  it.each(['product', 'variant'])('undo everything if the hook of a %s throws', async (name) => {
    veto = name;
    const before = await world.contents();
    await expect(world.repo(Product).softDelete(1)).rejects.toThrow(`No ${name}.`);
    expect(await world.contents()).toEqual(before);
    expect(await world.archived()).toEqual([]);

    const product = await world.em.findOneOrFail(Product, 1, { populate: ['variants'] });
    world.em.remove(product);
    await expect(world.em.flush()).rejects.toThrow(`No ${name}.`);
    expect(await world.contents()).toEqual(before);
    expect(await world.fork().findOne(Product, 1)).not.toBeNull();
  });

  it('keep archived rows where they are if a restoration is refused', async () => {
    await world.repo(Product).softDelete(1);
    const archived = await world.archived();
    veto = 'variant back';
    await expect(world.repo(Product, world.fork()).restore(1)).rejects.toThrow('No variant back.');
    expect(await world.archived()).toEqual(archived);
    expect(await products()).not.toContain(1);
  });

  it('get what each row holds, in portions of a thousand, of rows that go by themselves as well', async () => {
    const [product] = await products();
    await world.database.query(
      `insert into variant (id, size, product_id) select 1000 + n, 'size ' || n, ${product} from generate_series(1, 2500) as n`,
    );
    const portions: number[] = [];
    const sizes = new Set<string>();
    registerHook(
      world.orm,
      'delete',
      Variant,
      (rows) => {
        portions.push(rows.length);
        rows.forEach((row) => sizes.add(`${row.id} ${row.size}`));
      },
      { fields: ['size'] },
    );
    await world.repo(Variant).softDelete({ id: { $gt: 1000 } });
    expect(portions).toEqual([1000, 1000, 500]);
    expect(sizes).toEqual(new Set(Array.from({ length: 2500 }, (_, i) => `${1001 + i} size ${i + 1}`)));
    expect(seen.filter((what) => what.startsWith('variant'))).toHaveLength(2500);
  });

  it('can write to the database in the same transaction', async () => {
    registerHook(world.orm, 'delete', Product, async (_rows, { em, reason }) => {
      await em.execute('update shop set name = ?', [`closed: ${reason}`]);
    });
    await world.repo(Product).softDelete(2, { reason: 'sold out' });
    expect(await ids(`select 1 as id from shop where name = 'closed: sold out'`)).toEqual([1]);
  });

  it('are refused for entities that nothing deletes softly', () => {
    expect(() => registerHook(world.orm, 'delete', Bookmark, () => {})).toThrow(
      /^registerHook\(\): Bookmark is not soft-deletable\. Soft-deletable are: .*Product.*Shop/,
    );
  });

  it('leave the number of archived rows to see', async () => {
    const all = await products();
    await world.repo(Product).softDelete(1);
    expect(await countRows(world.em, Product)).toEqual({ active: all.length - 1, deleted: 1 });
    await world.repo(Product, world.fork()).restore(1);
    expect(await countRows(world.em, Product)).toEqual({ active: all.length, deleted: 0 });
  });
});
