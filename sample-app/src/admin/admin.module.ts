import { Module } from '@nestjs/common';
import { SoftDeleteModule } from 'nestjs-mikro-orm-soft-delete';
import { SoftDeleteAdminModule } from 'nestjs-mikro-orm-soft-delete/admin';
import { Customer } from '../entities/customer.entity.js';
import { Order } from '../entities/order.entity.js';
import { PageView } from '../entities/page-view.entity.js';
import { Product } from '../entities/product.entity.js';
import { Review } from '../entities/review.entity.js';
import { AdminCustomersController } from './admin-customers.controller.js';
import { AdminHoldsController } from './admin-holds.controller.js';
import { AdminOrdersController } from './admin-orders.controller.js';
import { AdminPageViewsController } from './admin-page-views.controller.js';
import { AdminProductsController } from './admin-products.controller.js';
import { AdminPurgeController } from './admin-purge.controller.js';
import { AdminReportsController } from './admin-reports.controller.js';
import { API_KEY_HEADER, ApiKeyGuard } from './api-key.guard.js';
import { ApiKeyModule } from './api-key.module.js';

@Module({})
export class AdminModule {
  static protectedBy(key: string) {
    return {
      module: AdminModule,
      imports: [
        ApiKeyModule.holding(key),
        SoftDeleteModule.forFeature([Customer, Order, PageView, Product]),
        SoftDeleteAdminModule.forRoot({
          path: 'admin/deleted',
          guards: [ApiKeyGuard],
          imports: [ApiKeyModule.holding(key)],
          credentials: { header: API_KEY_HEADER },
          actor: () => 'admin',
          entities: [
            { entity: Customer, columns: ['email'] },
            { entity: Order, label: ({ id }) => `Order ${id}`, columns: ['customer', 'placedAt'] },
            { entity: Product, columns: ['priceInCents'] },
            { entity: Review, label: ({ text }) => text, columns: ['rating', 'product'] },
          ],
        }),
      ],
      controllers: [
        AdminCustomersController,
        AdminHoldsController,
        AdminOrdersController,
        AdminPageViewsController,
        AdminProductsController,
        AdminReportsController,
        AdminPurgeController,
      ],
    };
  }
}
