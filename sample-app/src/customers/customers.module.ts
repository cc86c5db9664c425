import { Module } from '@nestjs/common';
import { SoftDeleteModule } from 'nestjs-mikro-orm-soft-delete';
import { Customer } from '../entities/customer.entity.js';
import { CustomersController } from './customers.controller.js';

@Module({
  imports: [SoftDeleteModule.forFeature([Customer])],
  controllers: [CustomersController],
})
export class CustomersModule {}
