import { Cascade, Collection, type Opt, type Ref } from '@mikro-orm/core';
import {
  Embeddable,
  Embedded,
  Entity,
  ManyToMany,
  ManyToOne,
  OneToMany,
  OneToOne,
  PrimaryKey,
  Property,
} from '@mikro-orm/decorators/legacy';
import { SoftDeletable, SoftDeletableEntity, SoftDeleteRepository } from 'nestjs-mikro-orm-soft-delete';
import { lives } from './neighbours.js';
import { type Money, MoneyType, PrefixedKey } from './typed.js';

/** What the model calls a row by. It is given by the test, so that a row has a name before it has a key. */
abstract class Handled extends SoftDeletableEntity {
  @Property({ type: 'number' })
  handle!: number;

  @Property({ type: 'string' })
  name!: string;

  @Property({ type: 'number', default: 1 })
  tenant: number & Opt = 1;
}

abstract class Named extends Handled {
  @PrimaryKey({ type: 'number' })
  id!: number;
}

/** Not soft-deletable. */
abstract class Plain {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @Property({ type: 'number' })
  handle!: number;

  @Property({ type: 'string' })
  name!: string;

  @Property({ type: 'number', default: 1 })
  tenant: number & Opt = 1;
}

@Embeddable()
export class Shape {
  @Property({ type: 'number' })
  width!: number;

  @Property({ type: 'string' })
  label!: string;
}

@Embeddable()
export class Spot {
  @Property({ type: 'number' })
  x!: number;

  @Property({ type: 'string' })
  y!: string;
}

/** A tree that is deleted from the top, with a slug that is unique among active rows. */
@SoftDeletable()
@Entity({ repository: () => SoftDeleteRepository })
export class Folder extends Named {
  @Property({ type: 'string' })
  slug!: string;

  /** Counts the updates of the row that are not deletions. */
  @Property({ type: 'number', default: 0, onUpdate: (folder: Folder) => folder.touched + 1 })
  touched: number & Opt = 0;

  @ManyToOne(() => Folder, { nullable: true })
  parent?: Folder | null;

  @OneToMany(() => Folder, (folder) => folder.parent, { cascade: [Cascade.REMOVE] })
  children = new Collection<Folder>(this);

  @OneToMany(() => Doc, (doc) => doc.folder, { orphanRemoval: true })
  docs = new Collection<Doc>(this);
}

@SoftDeletable<Doc>({ relations: { leases: 'restrict', marks: 'keep', published: 'keep', signed: 'restrict' } })
@Entity({ repository: () => SoftDeleteRepository })
export class Doc extends Handled {
  /** Given by the test: in memory the number with a prefix. */
  @PrimaryKey({ type: lives('custom-keys') ? PrefixedKey : 'number', autoincrement: false })
  id!: string | number;

  @Property({ type: 'json', nullable: true })
  data?: unknown;

  @Property({ type: 'string[]', nullable: true })
  labels?: string[] | null;

  @Property({ type: MoneyType, nullable: true })
  price?: Money | null;

  @Embedded(() => Shape, { object: true, nullable: true })
  shape?: Shape | null;

  @Embedded(() => Spot, { nullable: true })
  spot?: Spot | null;

  @Property({ type: 'datetime', nullable: true })
  seen?: Date | null;

  @Property({ type: 'number', version: true })
  version!: number & Opt;

  @ManyToOne(() => Folder)
  folder!: Folder;

  @OneToMany(() => Review, (review) => review.doc, { orphanRemoval: true })
  reviews = new Collection<Review>(this);

  @OneToMany(() => Lease, (lease) => lease.doc)
  leases = new Collection<Lease>(this);

  @OneToMany(() => Mark, (mark) => mark.doc)
  marks = new Collection<Mark>(this);

  @OneToMany(() => Note, (note) => note.doc, { cascade: [Cascade.ALL] })
  notes = new Collection<Note>(this);

  @OneToMany(() => Entry, (entry) => entry.doc, { where: { state: 'live' } })
  published = new Collection<Entry>(this);

  @OneToMany(() => Entry, (entry) => entry.doc, { where: { state: 'draft' }, cascade: [Cascade.ALL] })
  drafts = new Collection<Entry>(this);

  @OneToMany(() => Entry, (entry) => entry.doc, { where: { state: 'signed' } })
  signed = new Collection<Entry>(this);

  @OneToOne(() => Cover, (cover) => cover.doc, { orphanRemoval: true })
  cover?: Cover | null;

  @ManyToMany(() => Tag, (tag) => tag.docs, { owner: true })
  tags = new Collection<Tag>(this);
}

@SoftDeletable()
@Entity({ repository: () => SoftDeleteRepository })
export class Review extends Named {
  @Property({ type: 'json', nullable: true })
  data?: unknown;

  @Property({ type: 'string[]', nullable: true })
  labels?: string[] | null;

  @Property({ type: MoneyType, nullable: true })
  price?: Money | null;

  @Embedded(() => Shape, { object: true, nullable: true })
  shape?: Shape | null;

  @Embedded(() => Spot, { nullable: true })
  spot?: Spot | null;

  @Property({ type: 'datetime', nullable: true })
  seen?: Date | null;

  @Property({ type: 'number', default: 0, onUpdate: (review: Review) => review.touched + 1 })
  touched: number & Opt = 0;

  @ManyToOne(() => Doc, { nullable: true, ref: true })
  doc?: Ref<Doc> | null;
}

@SoftDeletable()
@Entity({ repository: () => SoftDeleteRepository })
export class Lease extends Named {
  @ManyToOne(() => Doc)
  doc!: Doc;
}

@SoftDeletable()
@Entity({ repository: () => SoftDeleteRepository })
export class Mark extends Named {
  @ManyToOne(() => Doc, { nullable: true })
  doc?: Doc | null;
}

@Entity()
export class Note extends Plain {
  @ManyToOne(() => Doc, { nullable: true })
  doc?: Doc | null;
}

/** What a document does with an entry when it is deleted depends on the relation that the entry is in. */
@SoftDeletable()
@Entity({ repository: () => SoftDeleteRepository })
export class Entry extends Named {
  @Property({ type: 'string' })
  state!: 'draft' | 'live' | 'signed';

  @ManyToOne(() => Doc)
  doc!: Doc;
}

/** Deleting a shelf takes its boxes in the database, and these would take their items. */
@Entity()
export class Shelf extends Plain {
  @OneToMany(() => Box, (box) => box.shelf, { orphanRemoval: true })
  boxes = new Collection<Box>(this);
}

@Entity()
export class Box extends Plain {
  @ManyToOne(() => Shelf, { deleteRule: 'cascade' })
  shelf!: Shelf;

  @OneToMany(() => Item, (item) => item.box)
  items = new Collection<Item>(this);
}

@SoftDeletable()
@Entity({ repository: () => SoftDeleteRepository })
export class Item extends Named {
  @ManyToOne(() => Box, { deleteRule: 'cascade' })
  box!: Box;
}

/** One active cover per document: the partial unique index is made by raw SQL. */
@SoftDeletable()
@Entity({ repository: () => SoftDeleteRepository })
export class Cover extends Named {
  @OneToOne(() => Doc, (doc) => doc.cover, { owner: true, unique: false })
  doc!: Doc;
}

@SoftDeletable()
@Entity({ repository: () => SoftDeleteRepository })
export class Tag extends Named {
  @ManyToMany(() => Doc, (doc) => doc.tags)
  docs = new Collection<Doc>(this);
}

/** A cycle with `Member`: a team takes its members along, a member the teams that it leads. */
@SoftDeletable()
@Entity({ repository: () => SoftDeleteRepository })
export class Team extends Named {
  @ManyToOne(() => Member, { nullable: true })
  lead?: Member | null;

  @OneToMany(() => Member, (member) => member.team, { cascade: [Cascade.ALL] })
  members = new Collection<Member>(this);
}

@SoftDeletable()
@Entity({ repository: () => SoftDeleteRepository })
export class Member extends Named {
  @ManyToOne(() => Team, { nullable: true })
  team?: Team | null;

  @OneToMany(() => Team, (team) => team.lead, { cascade: [Cascade.ALL] })
  ledTeams = new Collection<Team>(this);
}

export const modelEntities = [
  Folder,
  Doc,
  Review,
  Lease,
  Mark,
  Note,
  Entry,
  Shelf,
  Box,
  Item,
  Cover,
  Tag,
  Team,
  Member,
];

export const UNIQUE_INDEXES =
  'create unique index folder_slug_active on folder (slug) where deleted_at is null;' +
  'create unique index cover_doc_active on cover (doc_id) where deleted_at is null;';
