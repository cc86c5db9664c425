import { Collection, Cascade, type Rel } from '@mikro-orm/core';
import {
  Entity,
  ManyToMany,
  ManyToOne,
  OneToMany,
  OneToOne,
  PrimaryKey,
  Property,
  Unique,
} from '@mikro-orm/decorators/legacy';
import { EntityRepository } from '@mikro-orm/postgresql';
import {
  ActiveUnique,
  activeView,
  SoftDeletable,
  SoftDeletableEntity,
  SoftDeleteRepository,
} from 'nestjs-mikro-orm-soft-delete';

abstract class Row extends SoftDeletableEntity {
  @PrimaryKey({ type: 'number' })
  id!: number;
}

abstract class PlainRow {
  @PrimaryKey({ type: 'number' })
  id!: number;
}

/** Its unique constraints count deleted rows, or nothing at all. */
@SoftDeletable()
@Unique({ properties: ['slug', 'deletedAt'], name: 'page_slug' })
@Entity()
export class Page extends Row {
  @Property({ type: 'string', unique: true })
  path!: string;

  @Property({ type: 'string' })
  slug!: string;

  @OneToOne(() => Page, { unique: true, nullable: true, name: 'next_page' })
  next?: Rel<Page>;
}

/** People's data, kept for good; personal data of others is not. */
@SoftDeletable()
@Entity()
export class Subscriber extends Row {
  @ActiveUnique()
  @Property({ type: 'string' })
  email!: string;
}

/** What belongs to a soft-deletable entity without being one. */
@SoftDeletable()
@Entity()
export class Folder extends Row {
  @OneToMany({ entity: () => Part, mappedBy: 'folder', orphanRemoval: true })
  parts = new Collection<Part>(this);

  @ManyToMany({ entity: () => Label, pivotTable: 'folder_labels' })
  labels = new Collection<Label>(this);
}

@Entity()
export class Part extends PlainRow {
  @ManyToOne({ entity: () => Folder, deleteRule: 'cascade', index: true })
  folder!: Rel<Folder>;
}

@Entity()
export class Attachment extends PlainRow {
  @ManyToOne({ entity: () => Folder, deleteRule: 'cascade', index: true })
  folder!: Rel<Folder>;
}

@Entity()
export class Bookmark extends PlainRow {
  @ManyToOne({ entity: () => Folder, deleteRule: 'set null', nullable: true, index: true })
  folder?: Rel<Folder>;
}

@SoftDeletable()
@Entity()
export class Label extends Row {}

/** Parents that are deleted for good. */
@Entity()
export class Tenant extends PlainRow {
  @OneToMany({ entity: () => Member, mappedBy: 'restricting', cascade: [Cascade.REMOVE] })
  members = new Collection<Member>(this);
}

@SoftDeletable()
@Entity()
export class Member extends Row {
  @ManyToOne({ entity: () => Tenant, deleteRule: 'cascade', index: true })
  cascading!: Rel<Tenant>;

  @ManyToOne({ entity: () => Tenant, deleteRule: 'set null', nullable: true, index: true })
  clearing?: Rel<Tenant>;

  @ManyToOne({ entity: () => Tenant, index: true })
  restricting!: Rel<Tenant>;

  @ManyToOne({ entity: () => Folder, filters: { softDelete: true }, index: true })
  hidden!: Rel<Folder>;

  @ManyToOne({ entity: () => Folder })
  slow!: Rel<Folder>;
}

/** What happens to their tables is written in the test. */
@SoftDeletable({ guard: true })
@Entity()
export class Ledger extends Row {}

@SoftDeletable({ purgeIndex: false })
@Entity()
export class Event extends Row {}

@SoftDeletable({ retention: '30d' })
@Entity()
export class Session extends Row {}

@SoftDeletable({ property: 'removedAt' })
@Entity()
export class Draft extends PlainRow {
  @Property({ type: 'timestamptz', length: 6, nullable: true })
  removedAt?: Date;
}

@SoftDeletable()
@Entity()
export class Local extends PlainRow {
  @Property({ columnType: 'timestamp', type: 'Date', nullable: true })
  deletedAt?: Date;
}

@Entity()
export class Forgotten extends PlainRow {
  @Property({ type: 'Date', nullable: true })
  deletedAt?: Date;
}

/** Its relations over one key contain a part of the rows each. */
@SoftDeletable<Shelf>({ relations: { lent: 'cascade', everyCopy: 'keep' } })
@Entity()
export class Shelf extends Row {
  @OneToMany({ entity: () => Volume, mappedBy: 'shelf', where: { state: 'torn' }, cascade: [Cascade.REMOVE] })
  torn = new Collection<Volume>(this);

  @OneToMany({ entity: () => Volume, mappedBy: 'shelf', where: { state: 'lent' } })
  lent = new Collection<Volume>(this);

  /** Says nothing. */
  @OneToMany({ entity: () => Volume, mappedBy: 'shelf' })
  volumes = new Collection<Volume>(this);

  @OneToMany({ entity: () => Copy, mappedBy: 'shelf', where: { state: 'torn' }, cascade: [Cascade.REMOVE] })
  tornCopies = new Collection<Copy>(this);

  @OneToMany({ entity: () => Copy, mappedBy: 'shelf' })
  everyCopy = new Collection<Copy>(this);
}

@Entity()
export class Volume extends PlainRow {
  @Property({ type: 'string', default: '' })
  state!: string;

  @ManyToOne({ entity: () => Shelf, deleteRule: 'cascade', index: true })
  shelf!: Rel<Shelf>;
}

@Entity()
export class Copy extends PlainRow {
  @Property({ type: 'string', default: '' })
  state!: string;

  @ManyToOne({ entity: () => Shelf, deleteRule: 'cascade', index: true })
  shelf!: Rel<Shelf>;
}

/** Plain, with a relation over one of two keys that takes a part of the rows along. */
@Entity()
export class Office extends PlainRow {
  @OneToMany({ entity: () => Clerk, mappedBy: 'seat', where: { state: 'guest' }, cascade: [Cascade.REMOVE] })
  guests = new Collection<Clerk>(this);

  /** Takes nothing along. */
  @OneToMany({ entity: () => Clerk, mappedBy: 'home' })
  staff = new Collection<Clerk>(this);
}

@SoftDeletable()
@Entity()
export class Clerk extends Row {
  @Property({ type: 'string', default: '' })
  state!: string;

  @ManyToOne({ entity: () => Office, index: true })
  seat!: Rel<Office>;

  @ManyToOne({ entity: () => Office, index: true })
  home!: Rel<Office>;
}

/** Repositories of the application. */
class PlainRepository extends EntityRepository<any> {}
class SafeRepository extends SoftDeleteRepository<any> {}

@SoftDeletable()
@Entity({ repository: () => PlainRepository })
export class Stored extends Row {}

@SoftDeletable()
@Entity({ repository: () => SafeRepository })
export class Kept extends Row {}

@Entity({ repository: () => PlainRepository })
export class Unmarked extends PlainRow {}

export const ActivePage = activeView(Page);

export const FAULTY = [
  Page,
  Subscriber,
  Folder,
  Part,
  Attachment,
  Bookmark,
  Label,
  Tenant,
  Member,
  Ledger,
  Event,
  Session,
  Draft,
  Local,
  Forgotten,
  Shelf,
  Volume,
  Copy,
  Office,
  Clerk,
  Stored,
  Kept,
  Unmarked,
  ActivePage,
];
