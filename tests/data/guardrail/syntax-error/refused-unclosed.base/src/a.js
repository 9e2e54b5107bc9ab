function f(x) {
  return x.y
}
