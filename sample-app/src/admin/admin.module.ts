import { Module } from '@nestjs/common';
import { SoftDeleteModule } from 'nestjs-mikro-orm-soft-delete';
import { Customer } from '../entities/customer.entity.js';
import { Order } from '../entities/order.entity.js';
import { Product } from '../entities/product.entity.js';
import { AdminCustomersController } from './admin-customers.controller.js';
import { AdminOrdersController } from './admin-orders.controller.js';
import { AdminProductsController } from './admin-products.controller.js';
import { AdminPurgeController } from './admin-purge.controller.js';
import { AdminReportsController } from './admin-reports.controller.js';
import { ADMIN_API_KEY } from './api-key.guard.js';

@Module({})
export class AdminModule {
  static protectedBy(key: string) {
    return {
      module: AdminModule,
      imports: [SoftDeleteModule.forFeature([Customer, Order, Product])],
      controllers: [
        AdminCustomersController,
        AdminOrdersController,
        AdminProductsController,
        AdminReportsController,
        AdminPurgeController,
      ],
      providers: [{ provide: ADMIN_API_KEY, useValue: key }],
    };
  }
}
