import { Body, Controller, Delete, Get, HttpCode, Param, ParseIntPipe, Patch, Post, Query } from '@nestjs/common';
import { WithDeleted } from 'nestjs-mikro-orm-soft-delete';
import { BooksService } from './books.service';

@Controller()
export class BooksController {
  constructor(private readonly books: BooksService) {}

  @Get('books')
  list() {
    return this.books.list();
  }

  @Get('admin/books')
  @WithDeleted()
  listAll() {
    return this.books.list();
  }

  @Post('books')
  create(@Body() data: { isbn: string; title: string; author: string }) {
    return this.books.create(data);
  }

  @Patch('books')
  async renameAll(@Body() { title }: { title: string }) {
    return { renamed: await this.books.renameAll(title) };
  }

  @Delete('books/:id')
  remove(@Param('id', ParseIntPipe) id: number) {
    return this.books.remove(id);
  }

  @Delete('books')
  async removeByTitle(@Query('title') title: string) {
    return { deleted: await this.books.removeByTitle(title) };
  }

  @Post('books/:id/restore')
  @HttpCode(200)
  restore(@Param('id', ParseIntPipe) id: number) {
    return this.books.restore(id);
  }

  @Delete('authors')
  removeAuthor(@Query('name') name: string) {
    return this.books.removeAuthor(name);
  }

  @Post('authors/:id/restore')
  @HttpCode(200)
  restoreAuthor(@Param('id', ParseIntPipe) id: number) {
    return this.books.restoreAuthor(id);
  }
}
