import 'reflect-metadata';
import type { MikroORM } from '@mikro-orm/postgresql';
import { getMikroORMToken } from '@mikro-orm/nestjs';
import { NestFactory } from '@nestjs/core';
import { AppModule } from './app.module.js';
import { TENANTS } from './tenants.js';

const app = await NestFactory.create(AppModule, { logger: ['error', 'warn'] });
app.enableShutdownHooks();
for (const tenant of TENANTS) {
  await app.get<MikroORM>(getMikroORMToken(tenant)).schema.update();
}
const server = await app.listen(0, '127.0.0.1');
console.log(`Listening on ${server.address().port}`);
