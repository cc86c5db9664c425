import { Module } from '@nestjs/common';
import { SoftDeleteModule } from 'nestjs-mikro-orm-soft-delete';
import { Order } from '../entities/order.entity.js';
import { OrdersController } from './orders.controller.js';

@Module({
  imports: [SoftDeleteModule.forFeature([Order])],
  controllers: [OrdersController],
})
export class OrdersModule {}
