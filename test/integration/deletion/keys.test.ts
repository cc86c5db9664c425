import { Collection, PrimaryKeyProp, type Rel } from '@mikro-orm/core';
import { Entity, ManyToOne, OneToMany, OneToOne, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import { SoftDeletable, SoftDeletableEntity, SoftDeleteRepository } from 'nestjs-mikro-orm-soft-delete';
import { KEY_TYPES, KEY_TYPES_SQL, type KeyType, OTHER_SPELLINGS } from '../../support/key-types.js';
import { createTestOrm, type TestOrm } from '../../support/orm.js';

/** One family of entities per type of key: a row with rows behind it, one of which is one-to-one. */
function family({ name, column, value, isIdentity }: KeyType) {
  @SoftDeletable<any>({ relations: { children: 'cascade', badge: 'cascade' } })
  @Entity({ tableName: `${name}_root`, repository: () => SoftDeleteRepository })
  class Root extends SoftDeletableEntity {
    @PrimaryKey(column as never)
    id!: any;

    @Property({ type: 'string', nullable: true })
    label?: string | null;

    @OneToMany(() => Child, (child: Child) => child.root)
    children = new Collection<Child>(this);

    @OneToOne(() => Badge, (badge: Badge) => badge.root)
    badge?: any;
  }

  @SoftDeletable()
  @Entity({ tableName: `${name}_child`, repository: () => SoftDeleteRepository })
  class Child extends SoftDeletableEntity {
    [PrimaryKeyProp]?: ['root', 'part'];

    @ManyToOne(() => Root, { primary: true })
    root!: Rel<Root>;

    @PrimaryKey({ type: 'string' })
    part!: string;
  }

  @SoftDeletable()
  @Entity({ tableName: `${name}_badge`, repository: () => SoftDeleteRepository })
  class Badge extends SoftDeletableEntity {
    @PrimaryKey(column as never)
    id!: any;

    @OneToOne(() => Root, (root: Root) => root.badge, { owner: true, unique: false, nullable: true })
    root?: any;
  }

  return { name, Root: Root as any, Child: Child as any, Badge: Badge as any, value, isIdentity };
}

const FAMILIES = KEY_TYPES.map(family);

describe('keys of many types', () => {
  describe.each(FAMILIES)('$name', ({ name, Root, Child, Badge, value, isIdentity }) => {
    let test: TestOrm;
    let em: any;
    let repo: any;

    beforeAll(async () => {
      test = await createTestOrm([Root, Child, Badge], {}, {}, KEY_TYPES_SQL);
      await test.database.query(`create unique index ${name}_label on ${name}_root (label) where deleted_at is null`);
    });
    afterAll(() => test.close());

    const deleted = async (table: string) =>
      (await test.database.query(`select deleted_at is not null as deleted from ${name}_${table} order by ctid`)).map(
        (row) => row.deleted as boolean,
      );
    const count = async (table: string) =>
      Number(
        (await test.database.query(`select count(*) from ${name}_${table} where deleted_at is not null`))[0].count,
      );

    beforeEach(async () => {
      await test.database.query(`delete from ${name}_badge; delete from ${name}_child; delete from ${name}_root`);
      const setup: any = test.orm.em.fork();
      for (const n of [1, 2, 3]) {
        const root = setup.create(Root, { id: value(n), label: `label ${n}` });
        setup.create(Child, { root, part: 'a' });
        setup.create(Child, { root, part: 'b' });
        setup.create(Badge, { id: value(n), root });
      }
      await setup.flush();
      em = test.orm.em.fork();
      repo = em.getRepository(Root);
    });

    const whereReferencesWork = isIdentity === false ? () => undefined : it;

    whereReferencesWork(
      'tells loaded entities, collections and references of a deletion, its restoration and a rollback',
      async () => {
        const root: any = await em.findOneOrFail(Root, value(1), { populate: ['children', 'badge'] });
        const badge = root.badge;
        expect(root.children).toHaveLength(2);

        await repo.softDelete(value(1));
        expect(root.deletedAt).toBeInstanceOf(Date);
        expect(root.children.getItems().map((child: any) => child.deletedAt)).toEqual([]);
        expect([await count('root'), await count('child'), await count('badge')]).toEqual([1, 2, 1]);
        expect(badge.deletedAt).toBeInstanceOf(Date);

        expect(await repo.restore(root)).toMatchObject({ total: 4 });
        expect(root.deletedAt).toBeNull();
        expect(badge.deletedAt).toBeNull();
        expect(root.children).toHaveLength(2);
        expect(root.badge).toBe(badge);

        await em
          .transactional(async (tx: any) => {
            await tx.getRepository(Root).softDelete(value(1));
            throw new Error('back');
          })
          .catch(() => undefined);
        expect(root.deletedAt).toBeNull();
        expect(root.children).toHaveLength(2);
        expect(await count('child')).toBe(0);
        test.statements.length = 0;
        await em.flush();
        expect(test.statements).toEqual([]);
      },
    );

    whereReferencesWork(
      'deletes through the unit of work, and populates the other side of a one-to-one relation',
      async () => {
        const [first, second]: any[] = await em.find(
          Root,
          { id: [value(1), value(2)] },
          {
            orderBy: { label: 'asc' },
            populate: ['badge', 'children'],
          },
        );
        em.remove(first);
        await em.flush();
        expect([await count('root'), await count('child'), await count('badge')]).toEqual([1, 2, 1]);
        await em.populate([second], ['badge'], { refresh: true });
        expect(second.badge.id).toEqual(value(2));
        const again: any = await em.findOne(Root, value(2), { populate: ['badge'], refresh: true });
        expect(again.badge).toBe(second.badge);
        const all: any[] = await repo.withDeleted().find({ id: value(1) }, { populate: ['badge'] });
        expect(all[0].badge.id).toEqual(value(1));
      },
    );

    whereReferencesWork('leaves no key to be written that was changed in memory only', async () => {
      const badge: any = (await em.findAll(Badge)).find(({ id }: any) => String(id) === String(value(1)));
      badge.id = value(9);
      em.remove(badge);
      await em.flush();
      expect(String(badge.id)).toEqual(String(value(1)));
      test.statements.length = 0;
      await em.flush();
      expect(test.statements).toEqual([]);
      expect(await count('badge')).toBe(1);
      expect(await em.find(Badge, { id: value(9) }, { filters: { softDelete: false } })).toEqual([]);
    });

    it('names the keys of entities in conflicts', async () => {
      await repo.softDelete(value(1));
      await test.database.query(`update ${name}_root set label = 'label 1' where label = 'label 2'`);
      await expect(repo.restore(value(1))).rejects.toMatchObject({
        conflicts: [
          {
            reason: 'unique',
            key: value(1),
            conflictingKey: value(2),
            conflictingWith: 'active',
            properties: ['label'],
          },
        ],
      });
      const error = await em
        .getRepository(Child)

        .restore({ root: value(1), part: 'a' })
        .catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({
        conflicts: [{ reason: 'parent-deleted', key: [value(1), 'a'], conflictingKey: value(1) }],
      });
    });

    it('tells rows that would come back together from active ones', async () => {
      await repo.softDelete({ id: [value(1), value(2)] });
      await test.database.query(`update ${name}_root set label = 'same' where deleted_at is not null`);
      const error = await repo.restore({}).catch((thrown: unknown) => thrown as Error);
      expect(error).toMatchObject({
        message: expect.stringContaining('would be restored together'),
        conflicts: [{ reason: 'unique', conflictingWith: 'restored' }],
      });
      expect(String(error)).not.toContain('active row');
      expect(await count('root')).toBe(2);
    });

    it('removes physically, out of memory too', async () => {
      const root: any = await em.findOneOrFail(Root, value(1));
      expect(await repo.hardDelete([value(1), value(2)])).toBe(8);
      expect(await deleted('root')).toEqual([false]);
      expect(em.getUnitOfWork().getIdentityMap().values()).not.toContain(root);
    });

    it('reuses the values of a removed row, and its key, in one flush', async () => {
      const root: any = await em.findOneOrFail(Root, value(1));
      em.remove(root);
      em.create(Root, { id: value(4), label: 'label 1' });
      await em.flush();
      expect(
        await test.database.query(
          `select deleted_at is null as active from ${name}_root where label = 'label 1' order by 1`,
        ),
      ).toEqual([{ active: false }, { active: true }]);
    });
  });

  describe.each(OTHER_SPELLINGS)('$name, which the database writes in another way', (type) => {
    const { name, value, stored } = type;
    const { Root, Child, Badge } = family(type);
    let test: TestOrm;
    let em: any;
    let root: any;
    let badge: any;

    beforeAll(async () => {
      test = await createTestOrm([Root, Child, Badge], {}, {}, KEY_TYPES_SQL);
    });
    afterAll(() => test.close());

    beforeEach(async () => {
      await test.database.query(`delete from ${name}_badge; delete from ${name}_child; delete from ${name}_root`);
      em = test.orm.em.fork();
      root = em.create(Root, { id: value(1) });
      badge = em.create(Badge, { id: value(2), root });
      await em.flush();
    });

    it('knows entities of deletions, restorations and removals', async () => {
      await em.getRepository(Root).softDelete({});
      expect([root.deletedAt, badge.deletedAt]).toEqual([expect.any(Date), expect.any(Date)]);
      await em.getRepository(Root).restore({});
      expect([root.deletedAt, badge.deletedAt]).toEqual([null, null]);
      await em.getRepository(Root).hardDelete(root);
      expect(em.getUnitOfWork().getIdentityMap().values()).toEqual([]);
    });

    it('knows them of deletions through the unit of work', async () => {
      em.remove(root);
      await em.flush();
      expect([root.deletedAt, badge.deletedAt]).toEqual([expect.any(Date), expect.any(Date)]);
      const rows = await test.database.query(
        `select deleted_at::text as time from ${name}_root union all select deleted_at::text from ${name}_badge`,
      );
      expect(rows).toEqual([{ time: expect.any(String) }, rows[0]]);
    });

    it('names what the database has in conflicts', async () => {
      await em.getRepository(Root).softDelete({});
      await expect((test.orm.em.fork() as any).getRepository(Badge).restore(value(2))).rejects.toMatchObject({
        conflicts: [{ reason: 'parent-deleted', key: stored(2), conflictingKey: stored(1) }],
      });
    });
  });
});
