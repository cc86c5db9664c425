import { DeletionRestrictedError } from 'nestjs-mikro-orm-soft-delete';
import { Label, Product, Shop, Variant } from './archive.entities.js';
import { useShop } from './use-shop.js';

describe('Removal of archived entities through the unit of work', () => {
  const world = useShop();

  beforeEach(() => world.plant());

  it('archives what is removed by name, with everything behind it, loaded or not', async () => {
    const before = await world.contents();
    world.em.remove(await world.em.findOneOrFail(Product, 1));
    await world.em.flush();

    expect(await world.archived()).toEqual([
      'Product 1',
      'Remark 1',
      'Variant 1',
      'Variant 2',
      'product_labels ["1","1"]',
    ]);
    expect(await world.em.findOne(Product, 1)).toBeNull();
    await world.repo(Product).restore(1);
    expect(await world.contents()).toEqual(before);
  });

  it('archives the same where everything behind it is loaded', async () => {
    const before = await world.contents();
    const product = await world.em.findOneOrFail(Product, 1, {
      populate: ['variants', 'remarks', 'bookmarks', 'offers', 'labels'],
    });
    const bookmark = product.bookmarks[0]!;
    const offer = product.offers[0]!;
    world.em.remove(product);
    await world.em.flush();

    expect(await world.archived()).toHaveLength(5);
    expect(bookmark.product).toBeNull();
    expect(offer.deletedAt).toBeInstanceOf(Date);
    world.statements.length = 0;
    await world.em.flush();
    expect(world.statements).toEqual([]);
    await world.repo(Product).restore(1);
    expect(await world.contents()).toEqual(before);
    expect(bookmark.product).toMatchObject({ id: 1 });
  });

  it('archives behind a soft-deleted entity', async () => {
    const before = await world.contents();
    const shop = await world.em.findOneOrFail(Shop, 1, { populate: ['products.variants'] });
    const [product] = shop.products.getItems();
    world.em.remove(shop);
    await world.em.flush();

    expect((await world.contents())['product']).toEqual([]);
    expect(await world.archived()).toHaveLength(8);
    expect(await world.em.findOne(Product, product!.id)).toBeNull();
    await world.repo(Shop).restore(1);
    expect(await world.contents()).toEqual(before);
  });

  it('archives several at once as one unit, whatever the order', async () => {
    const before = await world.contents();
    const [product, variant] = [await world.em.findOneOrFail(Product, 1), await world.em.findOneOrFail(Variant, 1)];
    world.em.remove(variant).remove(product);
    await world.em.flush();

    expect(await world.database.query('select distinct unit from deletion_archive')).toHaveLength(1);
    await world.repo(Product).restore(1);
    expect(await world.contents()).toEqual(before);
  });

  it.each([true, false])(
    'archives orphans of a transaction that shares loaded entities (found in it: %s)',
    async (isFound) => {
      const loaded = await world.em.findOneOrFail(Product, 1, { populate: ['variants'] });
      await world.em.transactional(async (em) => {
        const product = isFound ? await em.findOneOrFail(Product, 1, { populate: ['variants'] }) : loaded;
        product.variants.remove(product.variants[0]!);
      });
      expect(await world.archived()).toEqual(['Variant 1']);
      world.statements.length = 0;
      await world.em.flush();
      expect(world.statements).toEqual([]);
    },
  );

  it('archives orphans, and what is behind collections replaced without having been loaded', async () => {
    const product = await world.em.findOneOrFail(Product, 1, { populate: ['variants'] });
    product.variants.remove(product.variants[0]!);
    await world.em.flush();
    expect(await world.archived()).toEqual(['Variant 1']);

    const em = world.fork();
    const unloaded = await em.findOneOrFail(Product, 1);
    unloaded.variants.set([em.create(Variant, { size: 'new', product: unloaded })]);
    await em.flush();
    expect(await world.archived()).toEqual(['Variant 1', 'Variant 2']);
    expect((await world.contents())['variant']).toEqual(['(100,new,1)', '(3,litre,2)']);
  });

  it('frees unique values and keys for what the same flush inserts', async () => {
    const product = await world.em.findOneOrFail(Product, 1);
    const shop = await world.em.findOneOrFail(Shop, 1);
    world.em.remove(product);
    world.em.persist(world.em.create(Product, { name: 'Rolls', sku: 'B-1', shop }));
    await world.em.flush();

    expect((await world.contents())['product']).toEqual(['(100,Rolls,B-1,1)', '(2,Milk,M-1,1)']);
    expect(await world.archived()).toContain('Product 1');
    expect((await world.database.query('select deleted_at is not null as deleted from offer'))[0]!.deleted).toBe(true);
  });

  it('leaves rows alone that the same flush moves away', async () => {
    const [product, other] = [await world.em.findOneOrFail(Product, 1), await world.em.findOneOrFail(Product, 2)];
    const variant = await world.em.findOneOrFail(Variant, 1);
    variant.product = other;
    world.em.remove(product);
    await world.em.flush();

    expect((await world.contents())['variant']).toEqual(['(1,small,2)', '(3,litre,2)']);
    expect(await world.archived()).toEqual(['Product 1', 'Remark 1', 'Variant 2', 'product_labels ["1","1"]']);
  });

  it('refuses the flush while a member of a restrict relation is there', async () => {
    await world.database.query('insert into booking (id, product_id) values (1, 1)');
    const before = await world.contents();
    const product = await world.em.findOneOrFail(Product, 1);
    world.em.remove(product);
    await expect(world.em.flush()).rejects.toThrow(DeletionRestrictedError);
    expect(await world.contents()).toEqual(before);
    expect(await world.archived()).toEqual([]);
  });

  it('archives what listeners remove, and what another entity manager removes in a transaction', async () => {
    await world.em.transactional(async (em) => {
      em.remove(em.getReference(Product, 2));
    });
    expect(await world.archived()).toContain('Product 2');

    const em = world.orm.em.fork({ freshEventManager: true });
    em.getEventManager().registerSubscriber({
      async onFlush({ uow }) {
        const product = uow.getById(Product, 1);
        if (product) {
          uow.computeChangeSet(product, 'delete' as never);
        }
      },
    });
    await em.findOneOrFail(Product, 1);
    const label = await em.findOneOrFail(Label, 1);
    label.name = 'old';
    await em.flush();
    expect(await world.archived()).toContain('Product 1');
    expect((await world.contents())['variant']).toEqual([]);
  });

  it('has everything again where the transaction does not last', async () => {
    const before = await world.contents();
    const product = await world.em.findOneOrFail(Product, 1, { populate: ['variants', 'bookmarks'] });
    const bookmark = product.bookmarks[0]!;
    await expect(
      world.em.transactional(async (em) => {
        em.remove(product);
        await em.flush();
        throw new Error('undone');
      }),
    ).rejects.toThrow('undone');

    expect(await world.contents()).toEqual(before);
    expect(await world.em.findOne(Product, 1)).toBe(product);
    expect(bookmark.product).toBe(product);
    world.statements.length = 0;
    await world.em.flush();
    expect(world.statements).toEqual([]);
  });

  it('refuses plain removals along with which the database would remove archived rows', async () => {
    await world.database.query('alter table bookmark add owner_id int references label on delete cascade');
    await world.database.query('alter table variant add label_id int references label on delete cascade');
    try {
      await world.database.query('update variant set label_id = 1');
      const em = world.fork();
      em.remove(await em.findOneOrFail(Label, 1));
      await expect(em.flush()).rejects.toThrow(DeletionRestrictedError);
    } finally {
      await world.database.query('alter table variant drop label_id');
      await world.database.query('alter table bookmark drop owner_id');
    }
  });

  it('emits one event per entity', async () => {
    const { getInstallation } = await import('../../../lib/installation/installation.js');
    const events: unknown[] = [];
    const subscription = getInstallation(world.em).events.stream$.subscribe(({ type, entity, count }) =>
      events.push(`${type} ${entity} ${count}`),
    );
    world.em.remove(await world.em.findOneOrFail(Shop, 1));
    await world.em.flush();
    subscription.unsubscribe();
    expect(events.toSorted()).toEqual([
      'archived Product 2',
      'archived Remark 1',
      'archived Variant 3',
      'deleted Offer 1',
      'deleted Shop 1',
    ]);
  });
});
