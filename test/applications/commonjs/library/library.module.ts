import { MikroOrmModule } from '@mikro-orm/nestjs';
import { Module } from '@nestjs/common';
import { BooksController } from './books.controller';
import { BooksService } from './books.service';
import { Author, Book } from './library.entities';

@Module({
  imports: [MikroOrmModule.forFeature([Author, Book])],
  controllers: [BooksController],
  providers: [BooksService],
})
export class LibraryModule {}
