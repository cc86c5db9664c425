import { Collection, type Ref } from '@mikro-orm/core';
import { Entity, ManyToOne, OneToMany, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import { ActiveIndex, ActiveUnique, SoftDeletable, SoftDeletableEntity } from 'nestjs-mikro-orm-soft-delete';

@SoftDeletable<Author>({ retention: '30d', relations: { books: 'cascade' }, purgeIndex: true, guard: true })
@Entity()
@ActiveUnique({ properties: ['email'] })
export class Author extends SoftDeletableEntity {
  @PrimaryKey({ type: 'integer' })
  id!: number;

  @Property({ type: 'text' })
  email!: string;

  @OneToMany({ entity: () => Book, mappedBy: 'author' })
  books = new Collection<Book>(this);
}

@SoftDeletable({ property: 'removedAt', retention: 'forever' })
@Entity()
@ActiveIndex({ properties: ['author'] })
export class Book {
  @PrimaryKey({ type: 'uuid' })
  id!: string;

  @Property({ type: 'text' })
  title!: string;

  @ManyToOne({ entity: () => Author, ref: true })
  author!: Ref<Author>;

  @Property({ type: 'timestamptz', nullable: true })
  removedAt?: Date;
}
