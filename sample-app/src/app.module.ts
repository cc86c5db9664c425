import { PostgreSqlDriver } from '@mikro-orm/postgresql';
import { MikroOrmModule } from '@mikro-orm/nestjs';
import { type DynamicModule, Module, ValidationPipe } from '@nestjs/common';
import { APP_FILTER, APP_PIPE } from '@nestjs/core';
import { ScheduleModule } from '@nestjs/schedule';
import { SoftDeleteExceptionFilter, SoftDeleteModule } from 'nestjs-mikro-orm-soft-delete';
import { AdminModule } from './admin/admin.module.js';
import { CustomersModule } from './customers/customers.module.js';
import { HealthModule } from './health/health.module.js';
import { DatabaseExceptionFilter } from './http/database-exception.filter.js';
import { StartController } from './http/start.controller.js';
import { MetricsModule } from './metrics/metrics.module.js';
import { OrdersModule } from './orders/orders.module.js';
import { ormOptions } from './orm-options.js';
import { ProductsModule } from './products/products.module.js';
import { ReviewsModule } from './reviews/reviews.module.js';

@Module({})
export class AppModule {
  static forShop(options: { databaseUrl: string; adminApiKey: string }): DynamicModule {
    return {
      module: AppModule,
      imports: [
        MikroOrmModule.forRootAsync({ driver: PostgreSqlDriver, useFactory: () => ormOptions(options.databaseUrl) }),
        ScheduleModule.forRoot(),
        SoftDeleteModule.forRoot({ purge: { cron: '0 3 * * *', timeBudget: '1h' }, erasure: { cron: '0 4 * * *' } }),
        CustomersModule,
        ProductsModule,
        ReviewsModule,
        OrdersModule,
        AdminModule.protectedBy(options.adminApiKey),
        HealthModule,
        MetricsModule,
      ],
      controllers: [StartController],
      providers: [
        { provide: APP_FILTER, useClass: SoftDeleteExceptionFilter },
        { provide: APP_FILTER, useClass: DatabaseExceptionFilter },
        {
          provide: APP_PIPE,
          useValue: new ValidationPipe({ transform: true, whitelist: true, forbidNonWhitelisted: true }),
        },
      ],
    };
  }
}
