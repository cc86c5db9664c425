import 'reflect-metadata';
import { MikroORM } from '@mikro-orm/postgresql';
import { NestFactory } from '@nestjs/core';
import { backdateDeletions } from 'nestjs-mikro-orm-soft-delete/testing';
import { createPurge } from 'nestjs-mikro-orm-soft-delete';
import { AppModule } from './app.module';

async function bootstrap() {
  const app = await NestFactory.create(AppModule, { logger: ['error', 'warn'] });
  app.enableShutdownHooks();
  const orm = app.get(MikroORM);
  await orm.schema.update();
  // For the one who drives it: time passes, and a purge runs.
  app.getHttpAdapter().post('/a-month-later', async (_request: unknown, response: any) => {
    await backdateDeletions(orm.em.fork(), '31d');
    response.json(await createPurge(orm).run());
  });
  const server = await app.listen(0, '127.0.0.1');
  console.log(`Listening on ${server.address().port}`);
}
void bootstrap();
