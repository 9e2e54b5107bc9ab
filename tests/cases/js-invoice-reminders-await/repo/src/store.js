'use strict';

/** In-memory store with the same asynchronous face as the database one. */
class MemoryStore {
  constructor({ customers = [], invoices = [] } = {}) {
    this.customers = new Map(customers.map((c) => [c.id, c]));
    this.invoices = invoices;
  }

  async getCustomer(id) {
    const customer = this.customers.get(id);
    if (!customer) throw new Error(`unknown customer ${id}`);
    return customer;
  }

  async invoicesOf(customerId) {
    return this.invoices.filter((i) => i.customerId === customerId);
  }
}

module.exports = { MemoryStore };
