import 'reflect-metadata';
import { Entity, PrimaryKey } from '@mikro-orm/decorators/legacy';
import { MikroOrmModule } from '@mikro-orm/nestjs';
import { PostgreSqlDriver } from '@mikro-orm/postgresql';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ScheduleModule } from '@nestjs/schedule';
import { SoftDeletable, SoftDeletableEntity } from 'nestjs-mikro-orm-soft-delete';
import { softDeletion } from './soft-deletion.js';

@SoftDeletable()
@Entity()
class User extends SoftDeletableEntity {
  @PrimaryKey({ type: 'integer' })
  id!: number;
}

@Module({
  imports: [
    MikroOrmModule.forRoot({ driver: PostgreSqlDriver, clientUrl: process.env['DATABASE_URL']!, entities: [User] }),
    ScheduleModule.forRoot(),
    softDeletion,
  ],
})
class AppModule {}

const app = await NestFactory.create(AppModule, { abortOnError: false });
await app.init();
await app.close();
