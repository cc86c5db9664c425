import 'reflect-metadata';
import { MikroORM } from '@mikro-orm/postgresql';
import { NestFactory } from '@nestjs/core';
import { AppModule } from './app.module.js';

const app = await NestFactory.create(AppModule, { logger: ['error', 'warn'] });
app.enableShutdownHooks();
await app.get(MikroORM).schema.update();
const server = await app.listen(0, '127.0.0.1');
console.log(`Listening on ${server.address().port}`);
