import { Module } from '@nestjs/common';
import { SoftDeleteModule } from 'nestjs-mikro-orm-soft-delete';
import { Customer } from '../entities/customer.entity.js';
import { CustomerErasureController } from './customer-erasure.controller.js';
import { CustomersController } from './customers.controller.js';

@Module({
  imports: [SoftDeleteModule.forFeature([Customer])],
  controllers: [CustomersController, CustomerErasureController],
})
export class CustomersModule {}
