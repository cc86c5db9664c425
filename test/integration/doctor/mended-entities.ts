import { Collection, Cascade, type Rel } from '@mikro-orm/core';
import {
  Entity,
  Index,
  ManyToMany,
  ManyToOne,
  OneToMany,
  OneToOne,
  PrimaryKey,
  Property,
} from '@mikro-orm/decorators/legacy';
import { ActiveUnique, activeView, SoftDeletable, SoftDeletableEntity } from 'nestjs-mikro-orm-soft-delete';

/** The faulty entities as the doctor says to write them. */
abstract class Row extends SoftDeletableEntity {
  @PrimaryKey({ type: 'number' })
  id!: number;
}

abstract class PlainRow {
  @PrimaryKey({ type: 'number' })
  id!: number;
}

@SoftDeletable()
@ActiveUnique({ properties: ['slug'] })
@ActiveUnique({ properties: ['path'] })
@ActiveUnique({ properties: ['next'] })
@Entity()
class Page extends Row {
  @Property({ type: 'string' })
  path!: string;

  @Property({ type: 'string' })
  slug!: string;

  @OneToOne(() => Page, { nullable: true, name: 'next_page', index: true })
  next?: Rel<Page>;
}

@SoftDeletable({ retention: '30d' })
@Entity()
class Subscriber extends Row {
  @ActiveUnique()
  @Property({ type: 'string' })
  email!: string;
}

@SoftDeletable<Folder>({ relations: { attachments: 'cascade' } })
@Entity()
class Folder extends Row {
  @OneToMany({ entity: () => Part, mappedBy: 'folder', orphanRemoval: true })
  parts = new Collection<Part>(this);

  @OneToMany({ entity: () => Attachment, mappedBy: 'folder' })
  attachments = new Collection<Attachment>(this);

  @ManyToMany({ entity: () => Label, pivotEntity: () => FolderLabel })
  labels = new Collection<Label>(this);
}

@Entity({ tableName: 'folder_labels' })
class FolderLabel {
  @ManyToOne({ entity: () => Folder, primary: true })
  folder!: Rel<Folder>;

  @Index()
  @ManyToOne({ entity: () => Label, primary: true })
  label!: Rel<Label>;
}

@Entity()
class Part extends PlainRow {
  @ManyToOne({ entity: () => Folder, deleteRule: 'cascade', index: true })
  folder!: Rel<Folder>;
}

@Entity()
class Attachment extends PlainRow {
  @ManyToOne({ entity: () => Folder, deleteRule: 'cascade', index: true })
  folder!: Rel<Folder>;
}

@SoftDeletable()
@Entity()
class Bookmark extends Row {
  @ManyToOne({ entity: () => Folder, deleteRule: 'set null', nullable: true, index: true })
  folder?: Rel<Folder>;
}

@SoftDeletable()
@Entity()
class Label extends Row {}

@SoftDeletable()
@Entity()
class Tenant extends Row {
  @OneToMany({ entity: () => Member, mappedBy: 'restricting', cascade: [Cascade.REMOVE] })
  members = new Collection<Member>(this);
}

@SoftDeletable()
@Entity()
class Member extends Row {
  @ManyToOne({ entity: () => Tenant, deleteRule: 'cascade', index: true })
  cascading!: Rel<Tenant>;

  @ManyToOne({ entity: () => Tenant, deleteRule: 'set null', nullable: true, index: true })
  clearing?: Rel<Tenant>;

  @ManyToOne({ entity: () => Tenant, index: true })
  restricting!: Rel<Tenant>;

  @ManyToOne({ entity: () => Folder, index: true })
  hidden!: Rel<Folder>;

  @ManyToOne({ entity: () => Folder, index: true })
  slow!: Rel<Folder>;
}

@SoftDeletable({ guard: true })
@Entity()
class Ledger extends Row {}

@SoftDeletable()
@Entity()
class Event extends Row {}

@SoftDeletable({ retention: '30d' })
@Entity()
class Session extends Row {}

@SoftDeletable({ property: 'removedAt' })
@Entity()
class Draft extends PlainRow {
  @Property({ type: 'timestamptz', length: 6, nullable: true })
  removedAt?: Date;
}

@SoftDeletable()
@Entity()
class Local extends PlainRow {
  @Property({ type: 'timestamptz', length: 6, nullable: true })
  deletedAt?: Date;
}

@SoftDeletable()
@Entity()
class Forgotten extends PlainRow {
  @Property({ type: 'Date', nullable: true })
  deletedAt?: Date;
}

export const MENDED = [
  Page,
  Subscriber,
  Folder,
  FolderLabel,
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
  activeView(Page),
];
