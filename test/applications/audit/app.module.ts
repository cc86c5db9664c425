import { MikroOrmModule } from '@mikro-orm/nestjs';
import { MikroORM, PostgreSqlDriver } from '@mikro-orm/postgresql';
import { Inject, type MiddlewareConsumer, Module, type NestModule, type OnModuleInit } from '@nestjs/common';
import { SoftDeleteModule } from 'nestjs-mikro-orm-soft-delete';
import { currentUser, rememberUser } from './current-user.js';
import { DocumentsController } from './documents.controller.js';
import { AuditEntry, Comment, Document } from './entities.js';
import { AuditTrail, Signer, Sweeper } from './subscribers.js';

@Module({
  imports: [
    MikroOrmModule.forRoot({
      driver: PostgreSqlDriver,
      clientUrl: process.env['DATABASE_URL']!,
      entities: [Document, Comment, AuditEntry],
      // These come before the one of soft deletion …
      subscribers: [new AuditTrail('first'), new Signer()],
    }),
    SoftDeleteModule.forRoot({ actor: currentUser }),
    SoftDeleteModule.forFeature([Document, Comment]),
  ],
  controllers: [DocumentsController],
})
export class AppModule implements NestModule, OnModuleInit {
  constructor(@Inject(MikroORM) private readonly orm: MikroORM) {}

  configure(consumer: MiddlewareConsumer): void {
    consumer.apply(rememberUser).forRoutes('*path');
  }

  /** … and these after it. */
  onModuleInit(): void {
    for (const subscriber of [new AuditTrail('last'), new Sweeper()]) {
      this.orm.em.getEventManager().registerSubscriber(subscriber);
    }
  }
}
