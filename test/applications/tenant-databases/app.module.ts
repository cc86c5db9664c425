import { MikroOrmModule } from '@mikro-orm/nestjs';
import { PostgreSqlDriver } from '@mikro-orm/postgresql';
import { Module } from '@nestjs/common';
import { SoftDeleteModule } from 'nestjs-mikro-orm-soft-delete';
import { CustomersController } from './customers.controller.js';
import { Customer, Invoice } from './entities.js';
import { TENANTS, TenantPipe } from './tenants.js';

@Module({
  imports: [
    ...TENANTS.flatMap((contextName) => [
      MikroOrmModule.forRoot({
        contextName,
        driver: PostgreSqlDriver,
        clientUrl: process.env[`${contextName.toUpperCase()}_URL`]!,
        entities: [Customer, Invoice],
        registerRequestContext: false,
      }),
      SoftDeleteModule.forRoot({ contextName }),
      SoftDeleteModule.forFeature([Customer, Invoice], contextName),
    ]),
    MikroOrmModule.forMiddleware(),
  ],
  controllers: [CustomersController],
  providers: [TenantPipe],
})
export class AppModule {}
