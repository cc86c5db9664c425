import { Cascade, Collection, type Opt, type Ref } from '@mikro-orm/core';
import { Entity, ManyToMany, ManyToOne, OneToMany, OneToOne, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import { SoftDeletable, SoftDeletableEntity, SoftDeleteRepository } from 'nestjs-mikro-orm-soft-delete';

/** What the model calls a row by. It is given by the test, so that a row has a name before it has a key. */
abstract class Named extends SoftDeletableEntity {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @Property({ type: 'number' })
  handle!: number;

  @Property({ type: 'string' })
  name!: string;
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

@SoftDeletable<Doc>({ relations: { leases: 'restrict', marks: 'keep' } })
@Entity({ repository: () => SoftDeleteRepository })
export class Doc extends Named {
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

  @OneToOne(() => Cover, (cover) => cover.doc, { orphanRemoval: true })
  cover?: Cover | null;

  @ManyToMany(() => Tag, (tag) => tag.docs, { owner: true })
  tags = new Collection<Tag>(this);
}

@SoftDeletable()
@Entity({ repository: () => SoftDeleteRepository })
export class Review extends Named {
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

/** Not soft-deletable. */
@Entity()
export class Note {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @Property({ type: 'number' })
  handle!: number;

  @Property({ type: 'string' })
  name!: string;

  @ManyToOne(() => Doc, { nullable: true })
  doc?: Doc | null;
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

export const modelEntities = [Folder, Doc, Review, Lease, Mark, Note, Cover, Tag, Team, Member];

export const UNIQUE_INDEXES =
  'create unique index folder_slug_active on folder (slug) where deleted_at is null;' +
  'create unique index cover_doc_active on cover (doc_id) where deleted_at is null;';
