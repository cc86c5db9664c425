import { InjectRepository } from '@mikro-orm/nestjs';
import { EntityManager, EntityRepository } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { SoftDeleteRepository } from 'nestjs-mikro-orm-soft-delete';
import { Author, AuthorRepository, Book } from './library.entities';

@Injectable()
export class BooksService {
  constructor(
    @InjectRepository(Book) private readonly books: EntityRepository<Book>,
    @InjectRepository(Author) private readonly authors: AuthorRepository,
    private readonly em: EntityManager,
  ) {}

  async list() {
    const books = await this.books.findAll({ populate: ['author'], orderBy: { id: 1 } });
    return books.map(({ id, title, author }) => ({ id, title, author: author.name }));
  }

  async create(data: { isbn: string; title: string; author: string }) {
    const author = (await this.authors.findByName(data.author)) ?? this.authors.create({ name: data.author });
    const book = this.books.create({ ...data, author });
    await this.em.flush();
    return { id: book.id };
  }

  /** Through the unit of work. */
  async remove(id: number) {
    await this.em.remove(await this.books.findOneOrFail(id)).flush();
    return { found: await this.books.findOne(id) };
  }

  removeByTitle(title: string) {
    return this.books.nativeDelete({ title });
  }

  renameAll(title: string) {
    return this.books.nativeUpdate({}, { title });
  }

  removeAuthor(name: string) {
    return this.authors.softDelete({ name });
  }

  restoreAuthor(id: number) {
    return this.authors.restore(id);
  }

  /** What the ORM injects is a repository of ours, whatever the constructor calls it. */
  restore(id: number) {
    return (this.books as SoftDeleteRepository<Book>).restore(id);
  }
}
