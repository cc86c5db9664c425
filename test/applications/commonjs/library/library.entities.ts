import { Collection, type Opt, type Rel } from '@mikro-orm/core';
import { Entity, ManyToOne, OneToMany, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import { ActiveUnique, SoftDeletable, SoftDeleteRepository } from 'nestjs-mikro-orm-soft-delete';

export class AuthorRepository extends SoftDeleteRepository<Author> {
  findByName(name: string): Promise<Author | null> {
    return this.findOne({ name });
  }
}

@SoftDeletable<Author>({ retention: '30d', relations: { books: 'cascade' } })
@Entity({ repository: () => AuthorRepository })
export class Author {
  @PrimaryKey({ type: 'integer' })
  id!: number;

  @Property({ type: 'text' })
  name!: string;

  @Property({ type: 'timestamptz', nullable: true })
  deletedAt?: Opt<Date> | null;

  @OneToMany(() => Book, (book) => book.author)
  books = new Collection<Book>(this);
}

/** Without a repository of its own. */
@SoftDeletable({ retention: '30d' })
@ActiveUnique({ properties: ['isbn'] })
@Entity()
export class Book {
  @PrimaryKey({ type: 'integer' })
  id!: number;

  @Property({ type: 'text' })
  isbn!: string;

  @Property({ type: 'text' })
  title!: string;

  @ManyToOne(() => Author)
  author!: Rel<Author>;

  @Property({ type: 'timestamptz', nullable: true })
  deletedAt?: Opt<Date> | null;
}
