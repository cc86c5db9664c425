import { Collection, PrimaryKeyProp, type Rel, types } from '@mikro-orm/core';
import { Entity, ManyToMany, ManyToOne, OneToMany, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import { createPurge, SoftDeletable, type SoftDeleteRepository } from 'nestjs-mikro-orm-soft-delete';
import { complianceEntities } from 'nestjs-mikro-orm-soft-delete/compliance';
import { untilBlocked } from '../../support/blocked.js';
import { ageArchive } from '../../support/change-archive.js';
import { KEY_TYPES } from '../../support/key-types.js';
import { createTestOrm, type TestOrm } from '../../support/orm.js';

const archived = () => SoftDeletable({ strategy: 'archive', retention: '1d' });

@archived()
@Entity()
class Owner {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @OneToMany(() => Plain, (row) => row.owner, { orphanRemoval: true })
  plain = new Collection<Plain>(this);

  @OneToMany(() => Composite, (row) => row.owner, { orphanRemoval: true })
  composite = new Collection<Composite>(this);

  @OneToMany(() => Vehicle, (row) => row.owner, { orphanRemoval: true })
  vehicle = new Collection<Vehicle>(this);

  @OneToMany(() => Animal, (row) => row.owner, { orphanRemoval: true })
  animal = new Collection<Animal>(this);

  @OneToMany(() => Numbered, (row) => row.owner, { orphanRemoval: true })
  numbered = new Collection<Numbered>(this);

  @OneToMany(() => Token, (row) => row.owner, { orphanRemoval: true })
  token = new Collection<Token>(this);

  @OneToMany(() => Post, (row) => row.owner, { orphanRemoval: true })
  post = new Collection<Post>(this);

  @OneToMany(() => Ring, (row) => row.owner, { orphanRemoval: true })
  ring = new Collection<Ring>(this);
}

@archived()
@Entity()
class Plain {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @ManyToOne(() => Owner)
  owner!: Rel<Owner>;

  @Property({ type: types.json, nullable: true })
  data?: unknown;

  @Property({ type: 'datetime', length: 6, nullable: true })
  at?: Date;
}

@archived()
@Entity()
class Composite {
  [PrimaryKeyProp]?: ['a', 'b'];

  @PrimaryKey({ type: 'string' })
  a!: string;

  @PrimaryKey({ type: 'date' })
  b!: string;

  @ManyToOne(() => Owner)
  owner!: Rel<Owner>;
}

@archived()
@Entity({ discriminatorColumn: 'kind', discriminatorMap: { vehicle: 'Vehicle', car: 'Car' } })
class Vehicle {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @ManyToOne(() => Owner)
  owner!: Rel<Owner>;
}

@Entity()
class Car extends Vehicle {
  @Property({ type: types.decimal, nullable: true, columnType: 'numeric' })
  load?: string;
}

@archived()
@Entity({ inheritance: 'tpt' })
class Animal {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @ManyToOne(() => Owner)
  owner!: Rel<Owner>;
}

@Entity()
class Dog extends Animal {
  @Property({ type: 'string', nullable: true })
  breed?: string;
}

/** With an identity that nobody else may write, and a column that the database computes. */
@archived()
@Entity()
class Numbered {
  @PrimaryKey({ type: 'number', columnType: 'int generated always as identity', autoincrement: true })
  id!: number;

  @ManyToOne(() => Owner)
  owner!: Rel<Owner>;

  @Property({ type: 'string', nullable: true })
  name?: string;

  @Property({ type: 'string', columnType: 'text', generated: '(upper(name::text)) stored', nullable: true })
  shouted?: string;
}

@archived()
@Entity()
class Token {
  @PrimaryKey(KEY_TYPES.find(({ name }) => name === 'prefixed')!.column as never)
  id!: string;

  @ManyToOne(() => Owner)
  owner!: Rel<Owner>;
}

@archived()
@Entity()
class Post {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @ManyToOne(() => Owner)
  owner!: Rel<Owner>;

  @ManyToMany(() => Tag, undefined, { pivotTable: 'post_tags' })
  tags = new Collection<Tag>(this);
}

@Entity()
class Tag {
  @PrimaryKey({ type: 'number' })
  id!: number;
}

/** Each goes with the next one. */
@archived()
@Entity()
class Ring {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @ManyToOne(() => Owner)
  owner!: Rel<Owner>;

  @ManyToOne(() => Ring, { nullable: true, deleteRule: 'cascade' })
  next?: Rel<Ring> | null;
}

interface Kind {
  readonly name: string;
  readonly entity: new () => any;
  readonly key: any;
  readonly where: Record<string, unknown>;
}

const byId = (name: string, entity: new () => any, id: unknown = 1): Kind => ({ name, entity, key: id, where: { id } });

const KINDS: Kind[] = [
  byId('plain', Plain),
  { name: 'composite', entity: Composite, key: ['x "1"', '2026-02-03'], where: { a: 'x "1"', b: '2026-02-03' } },
  byId('vehicle', Car),
  byId('animal', Dog),
  byId('numbered', Numbered),
  byId('token', Token, 'usr_1'),
  byId('post', Post),
  byId('ring', Ring),
];

const DELETIONS = ['by a condition', 'by em.remove()', 'by nativeDelete()', 'with its owner', 'as an orphan'] as const;
const RESTORATIONS = ['by its key', 'by a condition', 'with its unit', 'with its parents', 'after a dry run'] as const;

/** Every pair of a kind, a deletion and a restoration once. */
const PAIRS = KINDS.flatMap((kind, k) =>
  DELETIONS.map((deletion, d) => ({ kind, deletion, restoration: RESTORATIONS[(k + d) % RESTORATIONS.length]! })),
);

const TABLES = [
  'owner',
  'plain',
  'composite',
  'vehicle',
  'animal',
  'dog',
  'numbered',
  'token',
  'post',
  'tag',
  'post_tags',
  'ring',
];

describe('archived rows of every kind', () => {
  let test: TestOrm;

  beforeAll(async () => {
    test = await createTestOrm([
      Owner,
      Plain,
      Composite,
      Vehicle,
      Car,
      Animal,
      Dog,
      Numbered,
      Token,
      Post,
      Tag,
      Ring,
      ...complianceEntities(),
    ]);
  });
  afterAll(() => test.close());

  beforeEach(() =>
    test.database.query(`
      truncate ${TABLES.join(', ')}, deletion_archive restart identity cascade;
      insert into owner values (1), (2); insert into tag values (1), (2);
      insert into plain (id, owner_id, data, at) values (1, 1, 'null', '2026-01-02 03:04:05.123456+00'), (2, 2, '{"b": 1, "a": [null]}', null);
      insert into composite (a, b, owner_id) values ('x "1"', '2026-02-03', 1), ('x "1"', '2026-02-04', 2);
      insert into vehicle (id, kind, owner_id, load) values (1, 'car', 1, 1.50), (2, 'vehicle', 2, null);
      insert into animal (id, owner_id) values (1, 1), (2, 2); insert into dog (id, breed) values (1, 'ünï\\codé {",}');
      insert into numbered (owner_id, name) values (1, 'ada'), (2, null);
      insert into token (id, owner_id) values (1, 1), (2, 2);
      insert into post (id, owner_id) values (1, 1), (2, 2); insert into post_tags values (1, 1), (1, 2), (2, 1);
      insert into ring (id, owner_id, next_id) values (1, 1, null), (2, 1, 1), (3, 2, null);
      update ring set next_id = 2 where id = 1; update ring set next_id = 3 where id = 3`),
  );

  const fork = (): any => test.orm.em.fork();
  const repo = (entity: new () => any, em = fork()): SoftDeleteRepository<any> => em.getRepository(entity);
  const contents = async () =>
    (
      await test.database.query(
        TABLES.map((table) => `select '${table} ' || t::text as row from ${table} as t`).join(' union all '),
      )
    )
      .map(({ row }) => row as string)
      .toSorted();
  const archive = async () =>
    (await test.database.query('select part, key, unit::text, data from deletion_archive order by part, key')).map(
      (row) => JSON.stringify(row),
    );

  async function remove({ name, entity, key, where }: Kind, deletion: (typeof DELETIONS)[number]): Promise<void> {
    const em = fork();
    if (deletion === 'by a condition') {
      await repo(entity, em).softDelete(where);
    } else if (deletion === 'by nativeDelete()') {
      await repo(entity, em).nativeDelete(where);
    } else if (deletion === 'with its owner') {
      await repo(Owner, em).softDelete(1);
    } else if (deletion === 'by em.remove()') {
      await em.remove(await em.findOneOrFail(entity, key)).flush();
    } else {
      const owner = await em.findOneOrFail(Owner, 1, { populate: [name] });
      owner[name].remove(await em.findOneOrFail(entity, key));
      await em.flush();
    }
  }

  it.each(PAIRS.map((pair) => [pair.kind.name, pair.deletion, pair.restoration, pair] as const))(
    'come back as they were: %s, deleted %s, restored %s',
    async (_name, deletion, restoration, { kind: { entity, key, where, ...kind } }) => {
      const before = await contents();
      await remove({ entity, key, where, ...kind }, deletion);
      if (restoration === 'with its parents' && deletion !== 'with its owner') {
        await repo(Owner).softDelete(1);
      }
      const gone = [await contents(), await archive()];
      expect(gone[0]!.length).toBeLessThan(before.length);
      expect(await repo(entity).onlyDeleted().count(where)).toBe(1);

      const isWhole = deletion === 'with its owner' && restoration !== 'with its parents';
      const asked = isWhole ? ([Owner, 1, { id: 1 }] as const) : ([entity, key, where] as const);
      const target = { 'by a condition': asked[2], 'with its unit': {} }[restoration as string] ?? asked[1];
      if (restoration === 'after a dry run') {
        const { conflicts, ...preview } = await repo(asked[0]).restore(target, { dryRun: true });
        expect([conflicts, await contents(), await archive()]).toEqual([[], ...gone]);
        expect(await repo(asked[0]).restore(target)).toEqual(preview);
      } else {
        await repo(asked[0]).restore(target, { withParents: restoration === 'with its parents' });
      }
      if (restoration === 'with its parents') {
        expect(await repo(entity).count(where)).toBe(1);
        for (const each of KINDS) {
          await repo(each.entity).restore({});
        }
      }
      expect(await contents()).toEqual(before);
      expect(await archive()).toEqual([]);
    },
  );

  describe.each(KINDS.map((kind) => [kind.name, kind] as const))('%s', (_name, kind) => {
    const { entity, key, where } = kind;

    it('comes back once where two ask for it at once', async () => {
      const before = await contents();
      await remove(kind, 'by a condition');
      let other: Promise<number> | undefined;
      const first = await fork().transactional(async (em: any) => {
        const { total } = await repo(entity, em).restore(key);
        other = repo(entity)
          .restore(where)
          .then((result) => result.total);
        await untilBlocked(test.database, other);
        return total;
      });
      expect([first > 0, await other]).toEqual([true, 0]);
      expect(await contents()).toEqual(before);
      expect(await archive()).toEqual([]);
    });

    it('comes back or is purged, where both are tried at once', async () => {
      const purge = createPurge(test.orm, { pauseBetweenBatches: 0, lockTimeout: 200, brake: false } as never);
      const before = await contents();
      await remove(kind, 'by a condition');
      await ageArchive(test.database, 2);
      const deleted = await contents();
      await fork()
        .transactional(async (em: any) => {
          await repo(entity, em).restore(key);
          expect((await purge.run()).total).toBe(0);
          throw new Error('not now');
        })
        .catch((error: Error) => expect(error.message).toBe('not now'));
      expect(await contents()).toEqual(deleted);
      expect(await archive()).not.toEqual([]);

      await fork().transactional(async (em: any) => {
        await repo(entity, em).restore(key);
        expect((await purge.run()).total).toBe(0);
      });
      expect((await purge.run()).total).toBe(0);
      expect([await contents(), await archive()]).toEqual([before, []]);

      await remove(kind, 'by a condition');
      await ageArchive(test.database, 2);
      const client = await test.database.connect();
      await client.query(
        `begin; select set_config('soft_delete.archive_removal', 'allowed', true); delete from deletion_archive`,
      );
      const restored = repo(entity).restore(key);
      await untilBlocked(test.database, restored);
      await client.query('commit');
      await client.end();
      expect(await restored).toEqual({ affected: {}, total: 0 });
      expect([await contents(), await archive()]).toEqual([deleted, []]);
    });
  });
});
