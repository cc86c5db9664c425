import { Cascade, Collection, EntityRepositoryType, type Opt, type Rel } from '@mikro-orm/core';
import { Entity, ManyToMany, ManyToOne, OneToMany, OneToOne, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import { ActiveUnique, SoftDeletable, SoftDeletableEntity, SoftDeleteRepository } from 'nestjs-mikro-orm-soft-delete';

/**
 * A small library with one relation of every kind: what deleting an author does to books (cascade), drafts (orphan removal),
 * loans (restrict), reviews (keep, nullable), a passport (one-to-one) and notes, which are not soft-deletable.
 */
@SoftDeletable<Author>({ relations: { loans: 'restrict' } })
@Entity({ repository: () => SoftDeleteRepository })
export class Author extends SoftDeletableEntity {
  [EntityRepositoryType]?: SoftDeleteRepository<Author>;

  @PrimaryKey({ type: 'number' })
  id!: number;

  @Property({ type: 'string' })
  name!: string;

  @Property({ type: 'datetime', nullable: true, onUpdate: () => new Date() })
  updatedAt?: Date;

  @OneToMany(() => Book, (book) => book.author, { cascade: [Cascade.ALL] })
  books = new Collection<Book>(this);

  @OneToMany(() => Draft, (draft) => draft.author, { orphanRemoval: true })
  drafts = new Collection<Draft>(this);

  @OneToMany(() => Loan, (loan) => loan.author)
  loans = new Collection<Loan>(this);

  @OneToMany(() => Review, (review) => review.author)
  reviews = new Collection<Review>(this);

  @OneToMany(() => Note, (note) => note.author, { cascade: [Cascade.ALL] })
  notes = new Collection<Note>(this);

  @OneToOne(() => Passport, (passport) => passport.author, { orphanRemoval: true, nullable: true })
  passport?: Rel<Passport> | null;
}

@SoftDeletable()
@Entity({ repository: () => SoftDeleteRepository })
export class Book extends SoftDeletableEntity {
  [EntityRepositoryType]?: SoftDeleteRepository<Book>;

  @PrimaryKey({ type: 'number' })
  id!: number;

  @Property({ type: 'string' })
  title!: string;

  @ManyToOne(() => Author)
  author!: Rel<Author>;

  @OneToMany(() => Chapter, (chapter) => chapter.book, { cascade: [Cascade.ALL] })
  chapters = new Collection<Chapter>(this);

  @ManyToMany(() => Tag, (tag) => tag.books, { owner: true })
  tags = new Collection<Tag>(this);
}

@SoftDeletable()
@Entity({ repository: () => SoftDeleteRepository })
export class Chapter extends SoftDeletableEntity {
  [EntityRepositoryType]?: SoftDeleteRepository<Chapter>;

  @PrimaryKey({ type: 'number' })
  id!: number;

  @Property({ type: 'string' })
  title!: string;

  @ManyToOne(() => Book)
  book!: Rel<Book>;
}

@SoftDeletable()
@Entity({ repository: () => SoftDeleteRepository })
export class Draft extends SoftDeletableEntity {
  [EntityRepositoryType]?: SoftDeleteRepository<Draft>;

  @PrimaryKey({ type: 'number' })
  id!: number;

  @Property({ type: 'string' })
  title!: string;

  @ManyToOne(() => Author, { nullable: true })
  author?: Rel<Author> | null;
}

@SoftDeletable()
@Entity({ repository: () => SoftDeleteRepository })
export class Loan extends SoftDeletableEntity {
  [EntityRepositoryType]?: SoftDeleteRepository<Loan>;

  @PrimaryKey({ type: 'number' })
  id!: number;

  @ManyToOne(() => Author)
  author!: Rel<Author>;
}

@SoftDeletable()
@Entity({ repository: () => SoftDeleteRepository })
export class Review extends SoftDeletableEntity {
  [EntityRepositoryType]?: SoftDeleteRepository<Review>;

  @PrimaryKey({ type: 'number' })
  id!: number;

  @Property({ type: 'string' })
  text!: string;

  @ManyToOne(() => Author, { nullable: true })
  author?: Rel<Author> | null;
}

@Entity()
export class Note {
  @PrimaryKey({ type: 'number' })
  id!: number;

  @Property({ type: 'string' })
  text!: string;

  @ManyToOne(() => Author, { nullable: true })
  author?: Rel<Author> | null;
}

@SoftDeletable()
@Entity({ repository: () => SoftDeleteRepository })
export class Passport extends SoftDeletableEntity {
  [EntityRepositoryType]?: SoftDeleteRepository<Passport>;

  @PrimaryKey({ type: 'number' })
  id!: number;

  @Property({ type: 'string' })
  number!: string;

  /** The unique key on it is made partial by the tests that need it. */
  @OneToOne(() => Author, (author) => author.passport, { owner: true, unique: false, nullable: true })
  author?: Rel<Author> | null;
}

@SoftDeletable()
@Entity({ repository: () => SoftDeleteRepository })
export class Tag extends SoftDeletableEntity {
  [EntityRepositoryType]?: SoftDeleteRepository<Tag>;

  @PrimaryKey({ type: 'number' })
  id!: number;

  @Property({ type: 'string' })
  name!: string;

  @ManyToMany(() => Book, (book) => book.tags)
  books = new Collection<Book>(this);
}

@SoftDeletable()
@Entity({ repository: () => SoftDeleteRepository })
export class Account extends SoftDeletableEntity {
  [EntityRepositoryType]?: SoftDeleteRepository<Account>;

  @PrimaryKey({ type: 'number' })
  id!: number;

  @Property({ type: 'string' })
  email!: string;

  @Property({ type: 'number', version: true })
  version!: number & Opt;
}

@SoftDeletable()
@Entity({ repository: () => SoftDeleteRepository })
@ActiveUnique({ properties: ['email'] })
export class Member extends SoftDeletableEntity {
  [EntityRepositoryType]?: SoftDeleteRepository<Member>;

  @PrimaryKey({ type: 'number' })
  id!: number;

  @Property({ type: 'string' })
  email!: string;

  @Property({ type: 'string' })
  name!: string;
}

export const LIBRARY = [Author, Book, Chapter, Draft, Loan, Review, Note, Passport, Tag, Account, Member];

/** Unique among active rows, as the schema of an application would have it. */
export const LIBRARY_INDEXES = [
  'create unique index passport_author on passport (author_id) where deleted_at is null',
  'create unique index account_email on account (email) where deleted_at is null',
];
