print("swpu")
