import { Cascade, Collection, type Rel } from '@mikro-orm/core';
import { Entity, ManyToOne, OneToMany, PrimaryKey } from '@mikro-orm/decorators/legacy';
import {
  RestoreConflictError,
  SoftDeletable,
  SoftDeletableEntity,
  type SoftDeleteRepository,
} from 'nestjs-mikro-orm-soft-delete';
import { complianceEntities } from 'nestjs-mikro-orm-soft-delete/compliance';
import { createTestOrm, type TestOrm } from '../../support/orm.js';

@SoftDeletable({ strategy: 'archive' })
@Entity()
class Chain {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @OneToMany(() => Mall, (mall) => mall.chain, { cascade: [Cascade.REMOVE] })
  malls = new Collection<Mall>(this);
}

@SoftDeletable()
@Entity()
class Mall extends SoftDeletableEntity {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @ManyToOne(() => Chain, { nullable: true, deleteRule: 'set null' })
  chain?: Rel<Chain> | null;

  @OneToMany(() => Shop, (shop) => shop.mall, { cascade: [Cascade.REMOVE] })
  shops = new Collection<Shop>(this);
}

@SoftDeletable()
@Entity()
class Shop extends SoftDeletableEntity {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @ManyToOne(() => Mall)
  mall!: Rel<Mall>;

  @OneToMany(() => Item, (item) => item.shop, { cascade: [Cascade.REMOVE] })
  items = new Collection<Item>(this);

  @OneToMany(() => Ware, (ware) => ware.shop, { cascade: [Cascade.REMOVE] })
  wares = new Collection<Ware>(this);
}

@SoftDeletable()
@Entity()
class Item extends SoftDeletableEntity {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @ManyToOne(() => Shop)
  shop!: Rel<Shop>;
}

@SoftDeletable({ strategy: 'archive' })
@Entity()
class Ware {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @ManyToOne(() => Shop)
  shop!: Rel<Shop>;
}

const TABLES = ['chain', 'mall', 'shop', 'item', 'ware'];

describe('restoration of rows whose deleted parents have archived owners', () => {
  let test: TestOrm;

  beforeAll(async () => {
    test = await createTestOrm([Chain, Mall, Shop, Item, Ware, ...complianceEntities()]);
  });
  afterAll(() => test.close());

  beforeEach(() =>
    test.database.query(`
      begin; set local session_replication_role = replica;
      ${[...TABLES, 'deletion_archive'].map((table) => `delete from ${table};`).join(' ')} commit;
      insert into chain values (1); insert into mall (id, chain_id) values (1, 1); insert into shop (id, mall_id) values (1, 1);
      insert into item (id, shop_id) values (1, 1), (2, 1); insert into ware (id, shop_id) values (1, 1), (2, 1)`),
  );

  const repo = (entity: new () => object): SoftDeleteRepository<any> =>
    test.orm.em.fork().getRepository(entity) as never;
  const contents = async () =>
    (
      await test.database.query(
        [...TABLES.map((t) => [t, 't::text']), ['deletion_archive', `part || ' ' || key || ' ' || unit`]]
          .map(([table, text]) => `select '${table} ' || ${text} as row from ${table} as t`)
          .join(' union all '),
      )
    )
      .map(({ row }) => row as string)
      .toSorted();

  // Each deletion has a unit of its own, so that what it deletes comes back as a parent only.
  const LEAVES = [Item, Ware];
  const DELETIONS: [string, (new () => object)[]][] = [
    ['was archived with the parents', [Chain]],
    ['was archived with the parent of the deleted parent', [Shop, Chain]],
  ];

  describe.each(LEAVES.map((leaf) => [leaf.name, leaf] as const))('%s', (name, Leaf) => {
    it.each(DELETIONS)('comes back with its parents and the owner that %s', async (_how, deletions) => {
      const before = await contents();
      await repo(Leaf).softDelete(1);
      for (const entity of deletions) {
        await repo(entity).softDelete(1);
      }
      const deleted = await contents();
      const preview = await repo(Leaf).restore(1, { withParents: true, dryRun: true });
      expect(preview).toMatchObject({ affected: { [name]: 1, Shop: 1, Mall: 1, Chain: 1 }, conflicts: [] });
      expect(await contents()).toEqual(deleted);
      const { affected } = await repo(Leaf).restore(1, { withParents: true });
      expect(affected).toEqual({ [name]: 1, Shop: 1, Mall: 1, Chain: 1 });
      for (const entity of [Item, Ware]) {
        await repo(entity).restore({});
      }
      expect(await contents()).toEqual(before);
    });

    it.each(DELETIONS)('does not come back without the owner that %s, and nothing changes', async (_how, deletions) => {
      await repo(Leaf).softDelete(1);
      for (const entity of deletions) {
        await repo(entity).softDelete(1);
      }
      const deleted = await contents();
      for (const entity of [Leaf, Shop, Mall]) {
        const error = await repo(entity)
          .restore(1)
          .catch((thrown: unknown) => thrown);
        expect(error).toBeInstanceOf(RestoreConflictError);
        expect((error as RestoreConflictError).conflicts).toMatchObject([{ reason: 'parent-deleted' }]);
      }
      expect(await contents()).toEqual(deleted);
    });

    it('comes back without an owner that is gone for good, as its parents do alone', async () => {
      await repo(Leaf).softDelete(1);
      await repo(Chain).softDelete(1);
      await test.database.query(
        `begin; select set_config('soft_delete.archive_removal', 'allowed', true); delete from deletion_archive where part = 'Chain'; commit`,
      );
      const { affected } = await repo(Leaf).restore(1, { withParents: true });
      expect(affected).toEqual({ [name]: 1, Shop: 1, Mall: 1 });
      expect(await test.database.query('select chain_id, deleted_at from mall')).toEqual([
        { chain_id: null, deleted_at: null },
      ]);
    });
  });
});
