import { Cascade, Collection, type Rel } from '@mikro-orm/core';
import {
  Embeddable,
  Embedded,
  Entity,
  ManyToMany,
  ManyToOne,
  OneToMany,
  PrimaryKey,
  Property,
  Unique,
} from '@mikro-orm/decorators/legacy';
import { MikroORM, raw } from '@mikro-orm/postgresql';
import {
  ActiveUnique,
  activeView,
  describeDeletionPolicy,
  SoftDeletable,
  SoftDeletableEntity,
  softDelete,
  SoftDeleteConfigError,
} from 'nestjs-mikro-orm-soft-delete';
import { drawDeletionPolicy } from '../../../lib/policy/draw-deletion-policy.js';

abstract class Row extends SoftDeletableEntity {
  @PrimaryKey({ type: 'number' })
  id!: number;
}

@SoftDeletable<Account>({ retention: '90d', guard: true, relations: { contracts: 'restrict' } })
@ActiveUnique({ properties: ['slug'], where: { draft: false } })
@Entity({ schema: 'crm', tableName: 'accounts' })
class Account extends Row {
  @Property({ type: 'string', unique: true })
  number!: string;

  @Property({ type: 'string' })
  slug!: string;

  @Property({ type: 'boolean' })
  draft!: boolean;

  @OneToMany({ entity: () => Contract, mappedBy: 'account' })
  contracts = new Collection<Contract>(this);

  @OneToMany({ entity: () => Note, mappedBy: 'account', cascade: [Cascade.REMOVE] })
  notes = new Collection<Note>(this);

  @OneToMany({ entity: () => Call, mappedBy: 'account', orphanRemoval: true })
  calls = new Collection<Call>(this);

  @ManyToMany({ entity: () => Label, pivotTable: 'account_labels' })
  labels = new Collection<Label>(this);
}

@SoftDeletable()
@Entity()
class Contract extends Row {
  @ManyToOne({ entity: () => Account })
  account!: Rel<Account>;
}

@SoftDeletable({ retention: 'forever' })
@Entity()
class Note extends Row {
  @ManyToOne({ entity: () => Account })
  account!: Rel<Account>;
}

@Entity()
class Call {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @ManyToOne({ entity: () => Account })
  account!: Rel<Account>;
}

@Entity()
class Visit {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @ManyToOne({ entity: () => Account, deleteRule: 'set null', nullable: true })
  account?: Rel<Account>;

  @ManyToOne({ entity: () => Label, nullable: true })
  label?: Rel<Label>;
}

@SoftDeletable()
@Entity()
class Label extends Row {}

@Embeddable()
class Address {
  @Property({ type: 'string', unique: true })
  code!: string;
}

/** A table for each class. */
@SoftDeletable()
@Entity({ inheritance: 'tpt' })
abstract class Party extends Row {
  @Embedded({ entity: () => Address })
  address!: Address;
}

@Entity()
class Company extends Party {
  @Property({ type: 'string', unique: true })
  number!: string;

  @OneToMany({ entity: () => Branch, mappedBy: 'company', cascade: [Cascade.REMOVE] })
  branches = new Collection<Branch>(this);
}

@SoftDeletable()
@Entity()
class Branch extends Row {
  @ManyToOne({ entity: () => Company })
  company!: Rel<Company>;
}

/** One table for all classes. */
@SoftDeletable()
@Entity({ discriminatorColumn: 'type', abstract: true })
class Device extends Row {}

@Entity()
class Phone extends Device {
  @Property({ type: 'string', unique: true })
  imei!: string;
}

/** Its relations share a key and contain a part of the rows each. */
@SoftDeletable<Blog>({ retention: '30d', relations: { pinned: 'restrict', posts: 'keep', sketches: 'cascade' } })
@Entity()
class Blog extends Row {
  @OneToMany({ entity: () => Post, mappedBy: 'blog' })
  posts = new Collection<Post>(this);

  @OneToMany({
    entity: () => Post,
    mappedBy: 'blog',
    where: { state: 'draft', title: { $like: 'a "b" | c' } },
    cascade: [Cascade.ALL],
  })
  drafts = new Collection<Post>(this);

  @OneToMany({
    entity: () => Post,
    mappedBy: 'blog',
    where: { pinned: true, [raw('length(title)') as never]: { $in: [1, 2] } },
  })
  pinned = new Collection<Post>(this);

  @OneToMany({
    entity: () => Sketch,
    mappedBy: 'blog',
    where: { since: { $gt: new Date('2020-01-01T00:00:00Z') }, name: /^x/, blog: null } as never,
  })
  sketches = new Collection<Sketch>(this);
}

@SoftDeletable()
@Entity()
class Post extends Row {
  @ManyToOne({ entity: () => Blog })
  blog!: Rel<Blog>;

  @Property({ type: 'string' })
  state!: string;

  @Property({ type: 'string' })
  title!: string;

  @Property({ type: 'boolean' })
  pinned!: boolean;
}

@Entity()
class Sketch {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @Property({ type: 'string' })
  name!: string;

  @Property({ type: 'Date' })
  since!: Date;

  @ManyToOne({ entity: () => Blog })
  blog!: Rel<Blog>;
}

describe('describeDeletionPolicy()', () => {
  let orm: MikroORM;
  let sections: Record<string, string[]>;

  beforeAll(async () => {
    orm = await MikroORM.init({
      dbName: 'none',
      entities: [Account, Contract, Note, Call, Visit, Label, activeView(Label)],
    });
    sections = Object.fromEntries(
      describeDeletionPolicy(orm)
        .split(/^## /m)
        .map((section) => section.split('\n').filter(Boolean))
        .map(([title, ...lines]) => [title, lines]),
    );
  });

  afterAll(() => orm.close(true));

  it('gives an overview of all entities with a table of their own', () => {
    expect(sections['# Deletion policy']!.slice(3)).toEqual([
      '| Account | `crm.accounts` | sets `deleted_at` | 90 days | slug (where {"draft":false}) | number |',
      '| Call | `call` | removes the row | – | – | – |',
      "| Contract | `contract` | sets `deleted_at` | the module's `purge.retention` | – | – |",
      "| Label | `label` | sets `deleted_at` | the module's `purge.retention` | – | – |",
      '| Note | `note` | sets `deleted_at` | forever | – | – |',
      '| Visit | `visit` | removes the row | – | – | – |',
    ]);
  });

  it('says what goes with a row, what stays, what refuses, and what the purge does', () => {
    expect(sections['Account']).toEqual([
      'A deleted row can be restored for 90 days; then the purge removes it for good.',
      'The database refuses to delete its rows physically from anywhere else.',
      '- Deleted and restored with it: Account.notes (Note)',
      '- Not deleted while active rows remain in: Account.contracts (Contract)',
      '- Stay when it is deleted: Account.calls (Call), Account.labels (Label), Visit.account (Visit)',
      '- Removed for good with it, at the purge: Account.calls (Call), the rows of account_labels',
      '- Lose their reference to it at the purge: Visit.account (Visit)',
      '- Keep it from being purged as long as they are there and not due themselves: Account.contracts (Contract), Account.notes (Note)',
    ]);
    expect(sections['Note']).toEqual(['A deleted row can be restored at any time. It is never removed for good.']);
    expect(sections['Deleted at once']![0]).toContain('Call, Visit are removed');
  });

  it('is one document, the same whatever the order of the entities', async () => {
    @SoftDeletable({ retention: '30d' })
    @ActiveUnique({ properties: ['city', 'street'] })
    @Unique({ properties: ['code'], where: "city <> 'a|b' and deleted_at is null" })
    @Unique({ properties: ['city', 'code'] })
    @Entity({ schema: '*', tableName: 'shops' })
    class Shop extends Row {
      @Property({ type: 'string' })
      city!: string;

      @Property({ type: 'string' })
      street!: string;

      @Property({ type: 'string' })
      code!: string;

      @OneToMany({ entity: () => Visitor, mappedBy: 'shop', orphanRemoval: true })
      visitors = new Collection<Visitor>(this);
    }

    @Entity()
    class Visitor {
      @PrimaryKey({ type: 'number', unique: true })
      id!: number;

      @ManyToOne({ entity: () => Shop })
      shop!: Rel<Shop>;
    }

    @Entity()
    class Alley {
      @PrimaryKey({ type: 'number' })
      id!: number;
    }

    const write = async (entities: any[]) => {
      const orm = await MikroORM.init({ dbName: 'none', entities });
      await orm.close(true);
      return { text: describeDeletionPolicy(orm), drawing: drawDeletionPolicy(orm.em as never) };
    };
    const written = await write([Visitor, Shop, Label, Alley]);
    expect(written.text).toBe(
      `# Deletion policy

What happens to deleted data, entity by entity. Written by \`soft-delete policy\` from the entities of the application.

| Entity | Table | A deletion | Is kept | Unique among active rows | Unique among all rows |
| --- | --- | --- | --- | --- | --- |
| Alley | \`alley\` | removes the row | – | – | – |
| Label | \`label\` | sets \`deleted_at\` | the module's \`purge.retention\` | – | – |
| Shop | \`shops\` | sets \`deleted_at\` | 30 days | code (where city <> 'a\\|b' and deleted_at is null); city, street | city, code |
| Visitor | \`visitor\` | removes the row | – | – | – |

## Label

A deleted row can be restored for the module's \`purge.retention\`; then the purge removes it for good.

## Shop

A deleted row can be restored for 30 days; then the purge removes it for good.

- Stay when it is deleted: Shop.visitors (Visitor)
- Removed for good with it, at the purge: Shop.visitors (Visitor)

## Deleted at once

Rows of Alley, Visitor are removed when they are deleted, and cannot be restored.
`,
    );
    expect(written.drawing).toBe(
      `flowchart LR
  Label["Label"]
  Shop["Shop"]
  Visitor(["Visitor"])
  Shop ==>|"visitors: cascade at the purge"| Visitor`,
    );
    expect(await write([Alley, Label, Shop, Visitor])).toEqual(written);
  });

  it('takes keys without a rule for what the schema generator makes of them', async () => {
    @Entity()
    class Remark {
      @PrimaryKey({ type: 'number' })
      id!: number;

      @ManyToOne({ entity: () => Label })
      label!: Rel<Label>;
    }
    const write = async (schemaGenerator: object) => {
      const orm = await MikroORM.init({ dbName: 'none', entities: [Label, Remark], schemaGenerator });
      await orm.close(true);
      return describeDeletionPolicy(orm);
    };
    expect(await write({})).toContain(
      'Keep it from being purged as long as they are there and not due themselves: Remark',
    );
    expect(await write({ defaultDeleteRule: 'cascade' })).toContain('Removed for good with it, at the purge: Remark');
  });

  it('gathers what the classes of a hierarchy and the parts of an embedded value declare', async () => {
    const orm = await MikroORM.init({ dbName: 'none', entities: [Party, Company, Branch, Device, Phone] });
    await orm.close(true);
    const policy = describeDeletionPolicy(orm);
    expect(policy.split('\n').filter((line) => line.startsWith('| '))).toEqual([
      '| Entity | Table | A deletion | Is kept | Unique among active rows | Unique among all rows |',
      '| --- | --- | --- | --- | --- | --- |',
      "| Branch | `branch` | sets `deleted_at` | the module's `purge.retention` | – | – |",
      "| Device | `device` | sets `deleted_at` | the module's `purge.retention` | – | imei |",
      "| Party | `party` | sets `deleted_at` | the module's `purge.retention` | – | address_code; number |",
    ]);
    expect(policy).toContain('- Deleted and restored with it: Company.branches (Branch)');
  });

  it('says of relations that contain a part of the rows behind their key which part it is', async () => {
    const orm = await MikroORM.init({ dbName: 'none', entities: [Blog, Post, Sketch] });
    await orm.close(true);
    const policy = describeDeletionPolicy(orm);
    const drafts = `{ state: 'draft', title: { $like: 'a "b" | c' } }`;
    const pinned = `{ pinned: true, [raw('length(title)')]: { $in: [1, 2] } }`;
    const sketches = `{ since: { $gt: '2020-01-01T00:00:00.000Z' }, name: /^x/, blog: null }`;
    const relations = {
      drafts: `Blog.drafts (Post where ${drafts}, except where ${pinned})`,
      pinned: `Blog.pinned (Post where ${pinned})`,
      posts: `Blog.posts (Post except where ${drafts} or ${pinned})`,
      sketches: `Blog.sketches (Sketch where ${sketches})`,
      otherSketches: `Sketch.blog (Sketch except where ${sketches})`,
    };
    const section = policy.split('## Blog')[1]!.split('\n');
    expect(section.filter((line) => line.startsWith('- '))).toEqual([
      `- Deleted and restored with it: ${relations.drafts}`,
      `- Not deleted while active rows remain in: ${relations.pinned}`,
      `- Stay when it is deleted: ${relations.posts}, ${relations.sketches}, ${relations.otherSketches}`,
      `- Removed for good with it, at the purge: ${relations.sketches}`,
      `- Keep it from being purged as long as they are there and not due themselves: ${relations.drafts}, ${relations.pinned}, ${relations.posts}, ${relations.otherSketches}`,
    ]);
    const quoted = drafts.replaceAll('"', '#quot;');
    expect(drawDeletionPolicy(orm.em as never).split('\n')).toEqual(
      expect.arrayContaining([
        `  Blog ==>|"drafts: cascade, where ${quoted}, except where ${pinned}"| Post`,
        `  Blog --x|"pinned: restrict, where ${pinned}"| Post`,
        `  Blog -.->|"posts: keep, except where ${quoted} or ${pinned}"| Post`,
      ]),
    );
  });

  it("fills in the retention of the ORM's own configuration, unless another one is given", async () => {
    const extensions = [softDelete({ purge: { retention: '40d' } })];
    const configured = await MikroORM.init({ dbName: 'none', entities: [Blog, Post, Sketch], extensions });
    await configured.close(true);
    expect(describeDeletionPolicy(configured)).toContain('| Post | `post` | sets `deleted_at` | 40 days |');
    expect(describeDeletionPolicy(configured, { retention: '7d' })).toContain(
      '| Post | `post` | sets `deleted_at` | 7 days |',
    );
  });

  it('fills in the retention of the module', () => {
    expect(describeDeletionPolicy(orm, { retention: '7d' })).toContain(
      '| Contract | `contract` | sets `deleted_at` | 7 days |',
    );
    expect(() => describeDeletionPolicy(orm, { retention: 'soon' as never })).toThrow(SoftDeleteConfigError);
    expect(() => describeDeletionPolicy(orm, { retention: 'soon' as never })).toThrow(/policy\.retention/);
    expect(() => describeDeletionPolicy(orm, { retain: '7d' } as never)).toThrow(/policy\.retain\b/);
  });
});
