import { EntityManager } from '@mikro-orm/postgresql';
import { Body, Controller, Delete, Get, HttpCode, Inject, NotFoundException, Param, Patch, Post } from '@nestjs/common';
import {
  InjectSoftDeleteRepository,
  PurgeService,
  type SoftDeleteEvent,
  SoftDeleteEvents,
  SoftDeleteRepository,
} from 'nestjs-mikro-orm-soft-delete';
import { Comment, Document } from './entities.js';

@Controller()
export class DocumentsController {
  private readonly events: SoftDeleteEvent[] = [];

  constructor(
    @Inject(EntityManager) private readonly em: EntityManager,
    @InjectSoftDeleteRepository(Document) private readonly documents: SoftDeleteRepository<Document>,
    @InjectSoftDeleteRepository(Comment) private readonly comments: SoftDeleteRepository<Comment>,
    @Inject(PurgeService) private readonly purge: PurgeService,
    @Inject(SoftDeleteEvents) { stream$ }: SoftDeleteEvents,
  ) {
    stream$.subscribe((event) => this.events.push(event));
  }

  @Get('documents')
  async list() {
    const documents = await this.documents.findAll({ populate: ['comments'], orderBy: { id: 1 } });
    return documents.map(({ id, comments }) => ({ id, comments: comments.map(({ text }) => text).sort() }));
  }

  @Post('documents')
  async create(@Body() { title, comments }: { title: string; comments: string[] }) {
    const document = this.em.create(Document, { title, comments: comments.map((text) => ({ text })) });
    await this.em.flush();
    return { id: document.id, comments: document.comments.map(({ id }) => id) };
  }

  /** Through the unit of work, with what is loaded of it. */
  @Delete('documents/:id/entity')
  async remove(@Param('id') id: string) {
    this.em.remove(await this.find(id));
    await this.em.flush();
  }

  @Delete('documents/:id')
  softDelete(@Param('id') id: string) {
    return this.documents.softDelete(id);
  }

  /** Not removed here: a subscriber sees the flag. */
  @Patch('documents/:id')
  async discard(@Param('id') id: string) {
    const document = await this.find(id);
    document.discarded = true;
    document.title = `${document.title} (discarded)`;
    await this.em.flush();
    return { deletedAt: document.deletedAt, deletedBy: document.deletedBy };
  }

  /** Orphan removal. */
  @Delete('documents/:id/comments')
  async removeComments(@Param('id') id: string) {
    const document = await this.find(id);
    document.comments.removeAll();
    await this.em.flush();
  }

  @Delete('comments/:id')
  softDeleteComment(@Param('id') id: string) {
    return this.comments.softDelete({ id });
  }

  @Post('documents/:id/restore')
  @HttpCode(200)
  restore(@Param('id') id: string) {
    return this.documents.restore(id);
  }

  @Post('purge')
  @HttpCode(200)
  removeForGood() {
    return this.purge.run();
  }

  /** Those since it was asked last. */
  @Get('events')
  takeEvents() {
    return this.events.splice(0);
  }

  private async find(id: string): Promise<Document> {
    const document = await this.documents.findOne(id, { populate: ['comments'] });
    if (!document) {
      throw new NotFoundException();
    }
    return document;
  }
}
